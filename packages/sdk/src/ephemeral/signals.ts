import type { ClientFrameFields } from '@sotto/proto';
import { chatWith } from '../chats/chat-state.ts';
import type { TransientEvent } from '../events/event.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceAddress, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { Store } from '../ports/store.ts';
import type { Timers } from '../ports/timers.ts';
import { type IncomingFrame, type SignalDrop, SignalReader } from './signal-reader.ts';
import { SignalWriter } from './signal-writer.ts';
import { TypingSender } from './typing-sender.ts';
import { TypingWatch } from './typing-watch.ts';

/** What signals work with. */
export interface SignalsParts {
  readonly store: Pick<Store, 'get'>;
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
}

/** What is true for the moment and never stored: who types. It goes beside the ratchet, under keys of its own, to accepted chats only. */
export class Signals {
  private readonly parts: SignalsParts;
  private readonly reader: SignalReader;
  private readonly writer: SignalWriter;
  private readonly typingOut: TypingSender;
  private readonly typingIn: TypingWatch;
  /** What is being sealed or opened, in order. */
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
    this.typingIn = new TypingWatch(parts.timers, (userId, typing) =>
      parts.onEvent({ type: 'typing.changed', chatId: chatWith(userId), userId, typing }),
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

  /** Takes what the relay handed on. */
  received(frame: IncomingFrame): void {
    if (!this.stopped) this.do(() => this.open(frame));
  }

  /** Ends all timers; resolves when nothing is in hand. Idempotent. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.typingOut.stop();
    this.typingIn.stop();
    await this.working;
  }

  private async open(frame: IncomingFrame): Promise<void> {
    const opened = await this.reader.open(frame);
    if (opened === undefined) {
      this.parts.logger.debug('signal.dropped', {});
      return;
    }
    const { sender, signal } = opened;
    if (signal.typing && this.parts.typing && !this.stopped) {
      this.typingIn.heard(sender.userId, signal.typing.typing ?? false);
    }
  }

  private do(work: () => Promise<void>): void {
    this.working = Promise.all([this.working, work()]).then(
      () => undefined,
      (error: unknown) => this.parts.onFailure(error),
    );
  }
}
