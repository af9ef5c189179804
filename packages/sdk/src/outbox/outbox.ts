import { type SendResult, toBase64Url } from '@sotto/proto';
import type { ChatId } from '../ports/ids.ts';
import type { Store, StoreQueries } from '../ports/store.ts';
import { ChatQueue } from './chat-queue.ts';
import { Departures } from './departures.ts';
import { KeyDelivery } from './key-delivery.ts';
import { Pacer, type SendRates, unlimited } from './pacer.ts';
import type { EntryResult, QueueEntry, ResultTaker } from './queue-entry.ts';
import type { ChatQueueParts } from './queue-parts.ts';
import { ResultWatch, type ResultWatchParts } from './result-watch.ts';
import { groupOutcomeOf, outcomeOf } from './send-outcome.ts';

/** Everything on its way out: a queue a chat, results by send id. */
export class Outbox {
  private readonly store: StoreQueries;
  private readonly parts: ChatQueueParts;
  private readonly queues = new Map<ChatId, ChatQueue>();
  private readonly expected = new Map<string, QueueEntry>();
  private readonly watch: ResultWatch;
  private readonly keys: KeyDelivery;
  private readonly waiting = new Set<() => void>();
  private online = false;
  private rates: SendRates = unlimited;
  /** Counts what became of the stream. */
  private turn = 0;

  constructor(
    parts: Omit<ChatQueueParts, 'expectResult' | 'onLeft' | 'rates' | 'devicePacer' | 'departures'> &
      Pick<ResultWatchParts, 'onSlow' | 'onOverdue'> & { readonly store: Store },
  ) {
    this.store = parts.store;
    this.watch = new ResultWatch({
      timers: parts.timers,
      oldest: () => this.expected.keys().next().value,
      onSlow: parts.onSlow,
      onOverdue: parts.onOverdue,
    });
    this.parts = {
      ...parts,
      expectResult: (sendId, entry) => {
        this.expected.set(toBase64Url(sendId), entry);
        this.watch.start();
      },
      onLeft: () => this.changed(),
      rates: () => this.rates,
      devicePacer: new Pacer(),
      departures: new Departures(),
    };
    this.keys = new KeyDelivery({ ...this.parts, store: parts.store });
  }

  /** The relay has said how fast this account and this device may send. */
  limited(rates: SendRates): void {
    this.rates = rates;
  }

  /** The stream is open: everything that waits may leave. */
  async connected(): Promise<void> {
    this.disconnected();
    const { turn } = this;
    const chats = await this.store.outboxChats();
    if (turn !== this.turn) return;
    for (const chatId of chats) this.queueOf(chatId);
    this.online = true;
    for (const queue of this.queues.values()) queue.connected();
  }

  /** The stream is gone. */
  disconnected(): void {
    this.turn++;
    this.online = false;
    this.expected.clear();
    this.watch.stop();
    for (const queue of this.queues.values()) queue.disconnected();
  }

  /** Something was committed for this chat. */
  wake(chatId: ChatId): void {
    this.queueOf(chatId).wake();
  }

  /** What this chat has sealed waits for no keys any longer. */
  hasten(chatId: ChatId): void {
    this.queues.get(chatId)?.headStart.end();
  }

  /** What this chat waited for has come about. */
  retry(chatId: ChatId): void {
    this.queueOf(chatId).retry();
  }

  /** These rows of this chat were withdrawn by a commit of somebody else. */
  discard(chatId: ChatId, rows: ReadonlySet<number>): void {
    this.queueOf(chatId).discard(rows);
    this.changed();
  }

  /** Takes the results of one turn: one commit for all that were accepted. */
  async settle(results: readonly SendResult[]): Promise<void> {
    const byQueue = new Map<ResultTaker, EntryResult[]>();
    for (const result of results) {
      const key = toBase64Url(result.sendId);
      const entry = this.expected.get(key);
      if (entry === undefined) continue;
      this.expected.delete(key);
      const known = byQueue.get(entry.queue);
      const read = entry.record.recipient === undefined ? groupOutcomeOf : outcomeOf;
      const settled = { entry, outcome: read(result) };
      if (known === undefined) byQueue.set(entry.queue, [settled]);
      else known.push(settled);
    }
    if (this.expected.size === 0) this.watch.stop();
    await Promise.all([...byQueue].map(([queue, settled]) => queue.settle(settled)));
    this.changed();
  }

  /**
   * Resolves when nothing waits to leave any more: the relay has it, or it has failed.
   * @param assertLeaving is called as long as something waits: what it throws ends the wait
   * @throws the signal's reason, and what `assertLeaving` throws
   */
  async emptied(signal: AbortSignal, assertLeaving: () => void): Promise<void> {
    const onAbort = () => this.changed();
    signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        signal.throwIfAborted();
        // Made before the look, so that what happens during the look is not missed.
        const changed = new Promise<void>((resolve) => this.waiting.add(resolve));
        if ((await this.store.outboxChats()).length === 0) return;
        assertLeaving();
        await changed;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /**
   * Resolves when these rows, which give a key, have left: the relay has them, or never will. When it has three of them, the others are not waited for long; nobody is waited for longer than ten seconds.
   * @throws the signal's reason
   */
  keysDelivered(rows: readonly number[], signal: AbortSignal): Promise<void> {
    return this.keys.wait(rows, signal);
  }

  /** Rows were removed by a commit of somebody else: whoever waits for the end looks again. */
  recheck(): void {
    this.changed();
  }

  /** Lets nothing more leave, and resolves when nothing is being sealed or committed. */
  async stop(): Promise<void> {
    this.disconnected();
    await Promise.all([...this.queues.values()].map((queue) => queue.idle()));
  }

  /** Something left the outbox. */
  private changed(): void {
    for (const tell of this.waiting) tell();
    this.waiting.clear();
  }

  private queueOf(chatId: ChatId): ChatQueue {
    const known = this.queues.get(chatId);
    if (known !== undefined) return known;
    const queue = new ChatQueue(chatId, this.parts);
    this.queues.set(chatId, queue);
    if (this.online) queue.connected();
    return queue;
  }
}
