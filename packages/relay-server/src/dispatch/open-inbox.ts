import type { WorkLimit } from '../platform/work-limit.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceKey } from '../ports/ids.ts';
import type { NodeLink } from '../ports/node-link.ts';
import type { PendingStore } from '../ports/pending-store.ts';
import type { Holder, Keeping, Presence } from '../ports/presence.ts';
import { RelayError } from '../relay-error.ts';
import type { StreamEnd } from './connected-devices.ts';
import type { DeliveryKey, LaneMail } from './delivery-lane.ts';
import { type InboxEvent, inboxWakeAt, newDeviceInbox, setInboxBack, stepInbox } from './device-inbox.ts';
import { deviceOfKey } from './device-key.ts';
import type { HandOver, HandOverAnswer, NodeMessage } from './hand-over.ts';
import type { DeviceInbox, InboxEffect, InboxTerms } from './inbox-state.ts';
import type { NodeFailure } from './node-failure.ts';
import { encodeNodeMessage } from './node-messages.ts';

/** What an `OpenInbox` works with. */
export interface OpenInboxParts {
  readonly presence: Presence;
  readonly pending: PendingStore;
  readonly link: NodeLink;
  /** Of all inboxes together: claims, and readings of what is stored. */
  readonly calls: WorkLimit;
  readonly clock: Clock;
  readonly jitter: () => number;
  readonly terms: InboxTerms;
  readonly hint: () => void;
  readonly delivered: (key: DeliveryKey, live: boolean) => void;
  readonly read: () => void;
  /** It is the device's no more. */
  readonly closed: () => void;
  /** The stream is to end. */
  readonly lost: (why: StreamEnd) => void;
  readonly failed: (event: NodeFailure, error: unknown) => void;
}

/** Mail that was delivered into an inbox and that the client has not acked. */
export interface InboxEntry {
  readonly key: DeliveryKey;
  readonly mail: LaneMail;
  /** When it was delivered, milliseconds since the Unix epoch. */
  readonly since: number;
}

type Waiting = (answer: HandOverAnswer) => void;

/** One stream's inbox: carries out what its machine wants, and keeps what was delivered until it is acked. */
export class OpenInbox {
  readonly device: DeviceKey;
  readonly #parts: OpenInboxParts;
  readonly #machine: DeviceInbox;
  /** In the order of their delivery: within a lane, that of the offsets. */
  readonly #entries = new Map<string, InboxEntry>();
  /** Hand-overs without an answer, by who asks and which attempt. */
  readonly #waiting = new Map<string, Waiting>();
  /** Deletes, and the giving up of presence, that are under way. */
  readonly #ending = new Set<Promise<void>>();
  #claimed: ((previous: Holder | undefined) => void) | undefined;
  /** Who waits for more entries, or for the end of what is under way. */
  #watching: (() => void)[] = [];
  #lastNow = Number.NEGATIVE_INFINITY;

  constructor(device: DeviceKey, parts: OpenInboxParts) {
    this.device = device;
    this.#parts = parts;
    this.#machine = newDeviceInbox(device, parts.link.node, parts.clock.now());
  }

  /** Undefined while presence is claimed, or could not be. */
  get epoch(): string | undefined {
    return this.#machine.epoch;
  }

  /** Delivered, not acked, oldest first. */
  get entries(): Iterable<InboxEntry> {
    return this.#entries.values();
  }

  /** Claims presence and begins to read; gives who held the device before, as far as is known. */
  open(): Promise<Holder | undefined> {
    return new Promise((resolve) => {
      this.#claimed = resolve;
      void this.#step({ kind: 'opened' });
    });
  }

  /** Waits until something was delivered, or what is stored has been read; false when nothing is under way. */
  async progress(): Promise<boolean> {
    if (!this.#isReading) return false;
    await new Promise<void>((resolve) => this.#watching.push(resolve));
    return true;
  }

  handOver(from: string, message: HandOver, signal: AbortSignal): Promise<HandOverAnswer> {
    const { lane, mail, call } = message;
    const name = nameOf(from, { lane, ko: mail.ko, call });
    return new Promise((resolve, reject) => {
      const given = () => {
        // Another attempt may have the name by now: a dispatcher counts anew with each assignment.
        if (this.#waiting.get(name) === answered) this.#waiting.delete(name);
        reject(new RelayError('internal', 'The node that handed something over has given up.'));
      };
      signal.addEventListener('abort', given, { once: true });
      const answered = (answer: HandOverAnswer) => {
        signal.removeEventListener('abort', given);
        resolve(answer);
      };
      this.#waiting.set(name, answered);
      void this.#step({ kind: 'hand-over', from, message });
    });
  }

  told(message: Extract<NodeMessage, { kind: 'hint' | 'taken-over' | 'vacated' }>): void {
    void this.#step(message);
  }

  /** What became of its entry in presence. */
  kept(keeping: Keeping): void {
    if (keeping === 'restored') void this.#step({ kind: 'hint' });
    else if (keeping === 'taken' && this.epoch !== undefined) void this.#checkPresence(this.epoch);
  }

  /** @throws {RelayError} `store-unavailable` */
  async acked(keys: readonly DeliveryKey[]): Promise<void> {
    for (const key of keys) this.#entries.delete(entryName(key));
    await this.#step({ kind: 'acked', keys });
  }

  /** Its device is not listed any more. */
  revoke(): void {
    this.#parts.lost('session-ended');
  }

  wake(): void {
    const now = this.#now();
    if (inboxWakeAt(this.#machine) <= now) void this.#step({ kind: 'wake' });
  }

  /** The stream has ended. */
  async close(): Promise<void> {
    void this.#step({ kind: 'closed' });
    this.#parts.closed();
    this.#tellWatching();
    await this.settled();
  }

  /** After its end: resolves when all that was acked is deleted, as far as the pending store does it, and presence given up. */
  async settled(): Promise<void> {
    await Promise.all(this.#ending);
  }

  get #isReading(): boolean {
    const { closed, claiming, catchUp, again, readAt } = this.#machine;
    if (closed) return false;
    // A reading that waits for room, or for its next try, goes on some time later.
    if (catchUp !== undefined) return catchUp.asked !== undefined;
    return claiming !== undefined || (again && readAt <= this.#now());
  }

  /** The time; a clock that was set back keeps nothing waiting. */
  #now(): number {
    const now = this.#parts.clock.now();
    const back = this.#lastNow - now;
    this.#lastNow = now;
    if (back > 0) setInboxBack(this.#machine, back);
    return now;
  }

  #tellWatching(): void {
    const watching = this.#watching;
    this.#watching = [];
    for (const tell of watching) tell();
  }

  /** Resolves when what this step deletes is deleted. */
  async #step(event: InboxEvent): Promise<void> {
    const { jitter, terms } = this.#parts;
    const effects: InboxEffect[] = [];
    stepInbox(this.#machine, event, this.#now(), jitter(), terms, effects);
    const deletions: Promise<void>[] = [];
    let isNew = false;
    for (const effect of effects) {
      if (effect.kind === 'deliver') isNew = true;
      const deletion = this.#carryOut(effect);
      if (deletion === undefined) continue;
      this.#ending.add(deletion);
      deletions.push(deletion.finally(() => this.#ending.delete(deletion)));
    }
    if (isNew) this.#parts.hint();
    if (isNew || !this.#isReading) this.#tellWatching();
    await Promise.all(deletions);
  }

  /** Nothing here steps the machine before it returns. Gives the promise of a deletion. */
  #carryOut(effect: InboxEffect): Promise<void> | undefined {
    const { link } = this.#parts;
    switch (effect.kind) {
      case 'claim':
        void this.#claim();
        return undefined;
      case 'check-presence':
        void this.#checkPresence(effect.epoch);
        return undefined;
      case 'release':
        return this.#release(effect.epoch, effect.displaced);
      case 'read-spans':
        void this.#readSpans();
        return undefined;
      case 'read-page':
        void this.#readPage(effect);
        return undefined;
      case 'deliver':
        this.#entries.set(entryName(effect.key), {
          key: effect.key,
          mail: effect.mail,
          since: this.#parts.clock.now(),
        });
        this.#parts.delivered(effect.key, effect.live);
        return undefined;
      case 'queue-empty':
        return undefined;
      case 'send':
        if (effect.message.kind === 'answer') this.#answer(effect.node, effect.message);
        else link.tell(effect.node, encodeNodeMessage(effect.message));
        return undefined;
      case 'forget-up-to':
        return this.#forgetUpTo(effect);
      case 'forget-one':
        return this.#forgetOne(effect.key);
      case 'close':
        this.#parts.closed();
        if (effect.reason !== undefined) this.#parts.lost(effect.reason);
        return undefined;
    }
  }

  #answer(node: string, answer: HandOverAnswer): void {
    const name = nameOf(node, answer);
    const waiting = this.#waiting.get(name);
    this.#waiting.delete(name);
    waiting?.(answer);
  }

  async #claim(): Promise<void> {
    const { presence, link, calls, failed } = this.#parts;
    try {
      const { epoch, previous } = await calls.run(() => presence.claim(deviceOfKey(this.device), link.node));
      void this.#step({ kind: 'claimed', epoch, previous });
      this.#claimed?.(previous);
    } catch (error) {
      failed('inbox.claim-failed', error);
      void this.#step({ kind: 'claim-failed' });
      this.#claimed?.(undefined);
    }
    this.#claimed = undefined;
  }

  async #checkPresence(epoch: string): Promise<void> {
    const { presence, failed } = this.#parts;
    try {
      const holder = await presence.holder(deviceOfKey(this.device));
      void this.#step({ kind: 'presence-seen', epoch, holder });
    } catch (error) {
      // The next look asks again.
      failed('presence.read-failed', error);
    }
  }

  async #release(epoch: string, displaced: Holder | undefined): Promise<void> {
    const { presence, link, failed } = this.#parts;
    try {
      await presence.release(deviceOfKey(this.device), epoch);
    } catch (error) {
      failed('inbox.release-failed', error);
      return;
    }
    if (displaced === undefined) return;
    const vacated = { kind: 'vacated', device: this.device, epoch: displaced.epoch } as const;
    link.tell(displaced.node, encodeNodeMessage(vacated));
  }

  async #readSpans(): Promise<void> {
    const { pending, calls, read, failed } = this.#parts;
    read();
    try {
      const { spans, cursors } = await calls.run(() => pending.view(this.device));
      // Acked through another stream of the device.
      for (const { lane, ko } of cursors) {
        for (const [name, { key }] of this.#entries) if (key.lane === lane && key.ko <= ko) this.#entries.delete(name);
      }
      void this.#step({ kind: 'spans', spans, cursors });
    } catch (error) {
      failed('pending.read-failed', error);
      void this.#step({ kind: 'read-failed' });
    }
  }

  async #readPage(effect: Extract<InboxEffect, { kind: 'read-page' }>): Promise<void> {
    const { pending, clock, calls, failed } = this.#parts;
    const { lane, after, upTo, limit } = effect;
    try {
      const rows = await calls.run(() =>
        pending.page({ device: this.device, lane, after, upTo, limit, now: clock.now() }),
      );
      void this.#step({ kind: 'page', lane, rows });
    } catch (error) {
      failed('pending.read-failed', error);
      void this.#step({ kind: 'read-failed' });
    }
  }

  async #forgetUpTo({ lane, upTo }: Extract<InboxEffect, { kind: 'forget-up-to' }>): Promise<void> {
    const { pending, failed } = this.#parts;
    const ok = await pending.forgetUpTo(this.device, lane, upTo).then(
      () => true,
      (error: unknown) => {
        failed('pending.forget-failed', error);
        return false;
      },
    );
    await this.#step({ kind: 'forgotten', lane, upTo, ok });
  }

  async #forgetOne(key: DeliveryKey): Promise<void> {
    const { pending, failed } = this.#parts;
    const ok = await pending.forgetOne(this.device, key).then(
      () => true,
      (error: unknown) => {
        failed('pending.forget-failed', error);
        return false;
      },
    );
    await this.#step({ kind: 'one-forgotten', key, ok });
  }
}

function entryName({ lane, ko }: DeliveryKey): string {
  return `${lane}/${ko}`;
}

function nameOf(
  node: string,
  { lane, ko, call }: { readonly lane: string; readonly ko: number; readonly call: number },
) {
  return `${node} ${lane}/${ko} ${call}`;
}
