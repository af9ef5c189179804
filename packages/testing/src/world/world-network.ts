import type { Line } from '../network/line.ts';
import type { Direction, MessageFate, RequestFate } from '../network/network-fault.ts';
import { type Duration, msOf } from '../time/duration.ts';

/** Whoever has a line. */
interface Connected {
  readonly line: Line;
}

/** The network of a world: perfect until it is told not to be. Each call concerns one user's line, in both directions unless it names one. */
export class WorldNetwork {
  readonly #users: () => readonly Connected[];

  constructor(users: () => readonly Connected[]) {
    this.#users = users;
  }

  /** Breaks a user's connections once: both sides are told, and new ones can be made at once. */
  cut({ line }: Connected): void {
    line.cut();
  }

  /** Takes a user off the network until `connect`. */
  disconnect({ line }: Connected): void {
    line.goDown();
  }

  /** Brings a user back: what was taken down, swallowed or delayed is as it was at the beginning. */
  connect({ line }: Connected): void {
    line.heal();
  }

  /** What is under way on the user's connections vanishes from now on, and neither side is told. New connections work. */
  halfOpen({ line }: Connected): void {
    line.halfOpen();
  }

  /** Everything that the user sends or is sent vanishes until `connect`, and nobody is told. */
  swallow({ line }: Connected): void {
    line.swallow();
  }

  /** Messages of a user take so long from now on, in order. No duration: they take no time. */
  slow({ line }: Connected, duration: Duration, directions?: readonly Direction[]): void {
    line.setDelay(msOf(duration), directions);
  }

  /** Decides what becomes of a user's next message. */
  next({ line }: Connected, direction: Direction, fate: MessageFate): void {
    line.next(direction, fate);
  }

  /** Decides what becomes of a user's next HTTP request. */
  nextRequest({ line }: Connected, fate: RequestFate): void {
    line.nextRequest(fate);
  }

  /** Mends everybody's line. */
  heal(): void {
    for (const { line } of this.#users()) line.heal();
  }
}
