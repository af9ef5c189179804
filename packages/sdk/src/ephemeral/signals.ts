import type { ClientFrameFields } from '@sotto/proto';
import { chatWith } from '../chats/chat-state.ts';
import type { TransientEvent } from '../events/event.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceAddress, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { Store } from '../ports/store.ts';
import type { Timers } from '../ports/timers.ts';
import { PeerWatch } from './peer-watch.ts';
import { forgottenAfter, PresenceSender } from './presence-sender.ts';
import { type IncomingFrame, type SignalDrop, SignalReader } from './signal-reader.ts';
import { SignalWriter } from './signal-writer.ts';
import { TypingSender } from './typing-sender.ts';

/** What signals work with. */
export interface SignalsParts {
  readonly store: Pick<Store, 'get' | 'chats'>;
  readonly self: () => DeviceAddress;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  readonly logger: Logger;
  readonly transmit: (frames: readonly ClientFrameFields[]) => boolean;
  /** Tells whoever listens now. */
  readonly onEvent: (event: TransientEvent) => void;
  readonly onFailure: (error: unknown) => void;
  /** Whether this user's typing is told, and that of others shown. */
  readonly typing: boolean;
  /** Whether it is told that this user is there, and shown of others. */
  readonly presence: boolean;
}

/** Whoever was not said to type for this long, types no more: more than the sender's own ten seconds. */
const typingForgottenAfter = 15_000;

/** What is true for the moment and never stored: who types, who is there. It goes beside the ratchet, under keys of its own, to accepted chats only. */
export class Signals {
  private readonly parts: SignalsParts;
  private readonly reader: SignalReader;
  private readonly writer: SignalWriter;
  private readonly typingOut: TypingSender;
  private readonly typingIn: PeerWatch;
  private readonly presenceOut: PresenceSender;
  private readonly presenceIn: PeerWatch;
  /** What is being sealed or opened. */
  private working: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(parts: SignalsParts) {
    this.parts = parts;
    this.reader = new SignalReader(parts);
    this.writer = new SignalWriter(parts);
    this.typingOut = new TypingSender({
      ...parts,
      tell: (userId, typing) => this.do(() => this.writer.tell(userId, { typing: { typing } })),
    });
    this.typingIn = new PeerWatch(parts.timers, typingForgottenAfter, (userId, typing) =>
      parts.onEvent({ type: 'typing.changed', chatId: chatWith(userId), userId, typing }),
    );
    this.presenceOut = new PresenceSender({
      ...parts,
      tell: (userId, presence) => this.do(() => this.writer.tell(userId, { presence })),
    });
    this.presenceIn = new PeerWatch(parts.timers, forgottenAfter, (userId, isOnline) =>
      parts.onEvent({
        type: 'presence.changed',
        userId,
        presence: isOnline ? 'online' : 'offline',
        at: parts.clock.now(),
      }),
    );
  }

  /** How many signals were dropped since the start, by reason. */
  get dropped(): Readonly<Record<SignalDrop, number>> {
    return { ...this.reader.dropped };
  }

  /** This user types to a person, or has stopped. */
  setTyping(userId: UserId, typing: boolean): void {
    if (this.parts.typing && !this.stopped) this.typingOut.set(userId, typing);
  }

  /** The client is connected and has caught up, or is not any more. */
  setLive(isLive: boolean): void {
    if (this.parts.presence) this.presenceOut.setLive(isLive);
  }

  /** Says that this user goes, while there is a connection; resolves when that was handed on. */
  async leave(): Promise<void> {
    if (!this.parts.presence) return;
    await this.presenceOut.stop();
    await this.working;
  }

  /** Takes what the relay handed on. */
  received(frame: IncomingFrame): void {
    if (!this.stopped) this.do(() => this.open(frame));
  }

  /** Ends all timers; resolves when nothing is in hand. Idempotent. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.typingOut.stop();
    this.typingIn.stop();
    this.presenceIn.stop();
    await this.presenceOut.stop();
    await this.working;
  }

  private async open(frame: IncomingFrame): Promise<void> {
    const opened = await this.reader.open(frame);
    if (opened === undefined) {
      this.parts.logger.debug('signal.dropped', {});
      return;
    }
    const { sender, signal } = opened;
    if (this.stopped) return;
    if (signal.typing && this.parts.typing) this.typingIn.heard(sender.userId, signal.typing.typing ?? false);
    if (signal.presence && this.parts.presence) {
      this.presenceIn.heard(sender.userId, signal.presence.online ?? false);
      if (signal.presence.asks) this.presenceOut.asked(sender.userId);
    }
  }

  private do(work: () => Promise<void>): void {
    this.working = Promise.all([this.working, work()]).then(
      () => undefined,
      (error: unknown) => this.parts.onFailure(error),
    );
  }
}
