import type { SendFields } from '@sotto/proto';
import type { Rate } from '../limits/token-bucket.ts';
import type { Clock } from '../ports/clock.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import { isForMany } from '../sealed/unnamed-send.ts';
import { Pacer, type SendRates } from './pacer.ts';

const unlimited: Rate = { burst: 0, perSecond: 0 };

/** How fast one queue may send: by what the relay allows to this recipient, and to this device in all. What goes to a group counts for the device alone. */
export class SendPace {
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly rates: () => SendRates;
  private readonly devicePacer: Pacer;
  private readonly pacer = new Pacer();
  private cancelRest: CancelTimer | undefined;
  /** Where the next one goes: to a group, to somebody whose access key it shows, or to anybody else. */
  private towards: 'group' | 'contact' | 'stranger' = 'stranger';

  constructor(parts: {
    readonly clock: Clock;
    readonly timers: Timers;
    /** How fast the relay lets this account send. */
    readonly rates: () => SendRates;
    /** Counts what all queues of this device send. */
    readonly devicePacer: Pacer;
  }) {
    this.clock = parts.clock;
    this.timers = parts.timers;
    this.rates = parts.rates;
    this.devicePacer = parts.devicePacer;
  }

  /** This one is next. */
  head(send: SendFields | undefined): void {
    if (send?.groupId?.length || (send && isForMany(send))) this.towards = 'group';
    else this.towards = send?.recipients?.[0]?.accessKey?.length ? 'contact' : 'stranger';
  }

  /** How many of these sends the relay allows now. */
  room(wanted: number): number {
    const now = this.clock.now();
    const allowed = this.pacer.room(wanted, this.limit, now);
    return Math.min(allowed, this.devicePacer.room(wanted, this.rates().device, now));
  }

  /** Calls `onOver` once, when some of so many may leave. */
  rest(waiting: number, onOver: () => void): void {
    this.cancelRest ??= this.timers.after(this.wait(waiting), () => {
      this.cancelRest = undefined;
      onOver();
    });
  }

  /** Nothing is to leave before it is asked for anew. Idempotent. */
  endRest(): void {
    this.cancelRest?.();
    this.cancelRest = undefined;
  }

  private wait(waiting: number): number {
    const now = this.clock.now();
    return Math.max(
      this.pacer.wait(waiting, this.limit, now),
      this.devicePacer.wait(waiting, this.rates().device, now),
    );
  }

  /** So many leave now. */
  take(count: number): void {
    const now = this.clock.now();
    this.pacer.take(count, this.limit, now);
    this.devicePacer.take(count, this.rates().device, now);
  }

  private get limit(): Rate {
    return this.towards === 'group' ? unlimited : this.rates()[this.towards];
  }
}
