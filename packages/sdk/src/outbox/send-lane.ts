import type { Randomness } from '../ports/randomness.ts';

/** The send lane of one chat on one connection: numbers sends, so that the relay refuses those that follow a refused one and order holds. */
export class SendLane {
  private readonly randomness: Randomness;
  private id: Uint8Array;
  private next = 1;

  constructor(randomness: Randomness) {
    this.randomness = randomness;
    this.id = randomness.bytes(8);
  }

  /** The lane and number of the next send. */
  take(): { readonly lane: Uint8Array; readonly laneNo: number } {
    return { lane: this.id, laneNo: this.next++ };
  }

  /** Opens a new lane: after a refusal, or on a new connection. */
  renew(): void {
    this.id = this.randomness.bytes(8);
    this.next = 1;
  }
}
