import type { MailOrder } from '../ports/mailbox.ts';

/** Where a lane stands. */
interface Lane {
  /** The number that comes next. */
  next: number;
  /** A send of it was refused: all later ones are superseded. */
  broken: boolean;
  /** What its appends have in common: what is refused behind them does not break it. */
  readonly order: MailOrder;
}

/** The most lanes that one stream keeps; the oldest give way, and what comes in them later is superseded. */
const mostLanes = 4_096;

/**
 * The lanes of one stream: which pipelined sends may still be accepted.
 *
 * Numbers count from 1 in a lane. A number out of turn, or any after a refusal, is superseded. A send without a lane is always in turn.
 */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();

  /** Whether a send is in turn. If so its number is used up: `break` the lane if it is not accepted in the end. */
  enter(lane: string, number: number): boolean {
    if (lane === '') return true;
    const known = this.#lanes.get(lane);
    if (known === undefined) {
      this.#open(lane, number === 1);
      return number === 1;
    }
    if (known.broken) return false;
    if (number !== known.next) {
      // A number that goes back is a repeated send and harms nothing; one that leaves a gap has lost its predecessor.
      if (number > known.next) known.broken = true;
      return false;
    }
    known.next++;
    return true;
  }

  /** What the appends of a lane have in common; none without a lane. */
  orderOf(lane: string): MailOrder | undefined {
    return this.#lanes.get(lane)?.order;
  }

  /** A send of this lane was not accepted. */
  break(lane: string): void {
    const known = this.#lanes.get(lane);
    if (known !== undefined) known.broken = true;
  }

  #open(lane: string, inTurn: boolean): void {
    if (this.#lanes.size >= mostLanes) {
      for (const oldest of this.#lanes.keys()) {
        this.#lanes.delete(oldest);
        break;
      }
    }
    this.#lanes.set(lane, { next: 2, broken: !inTurn, order: { broken: false } });
  }
}
