import { demand, demandOneOf } from '../argument-check.ts';
import { Line } from '../network/line.ts';
import {
  directions as allDirections,
  type Direction,
  type MessageFate,
  messageFates,
  type RequestFate,
  requestFates,
} from '../network/network-fault.ts';
import { type Duration, msOf } from '../time/duration.ts';

/** Whoever has a line. */
interface Connected {
  readonly line: Line;
}

/** The network of a world: perfect until it is told not to be. Each call concerns one user's line, in both directions unless it names one. @throws {TestingError} `argument-invalid`, from each */
export class WorldNetwork {
  readonly #users: () => readonly Connected[];

  constructor(users: () => readonly Connected[]) {
    this.#users = users;
  }

  /** Breaks a user's connections once: both sides are told, and new ones can be made at once. */
  cut(user: Connected): void {
    lineOf(user).cut();
  }

  /** Takes a user off the network until `connect`. */
  disconnect(user: Connected): void {
    lineOf(user).goDown();
  }

  /** Brings a user back: what was taken down, swallowed or delayed is as it was at the beginning. */
  connect(user: Connected): void {
    lineOf(user).heal();
  }

  /** What is under way on the user's connections vanishes from now on, and neither side is told. New connections work. */
  halfOpen(user: Connected): void {
    lineOf(user).halfOpen();
  }

  /** Everything that the user sends or is sent vanishes until `connect`, and nobody is told. */
  swallow(user: Connected): void {
    lineOf(user).swallow();
  }

  /** Messages of a user take so long from now on, in order. No duration: they take no time. */
  slow(user: Connected, duration: Duration, directions?: readonly Direction[]): void {
    if (directions !== undefined) {
      demand(Array.isArray(directions), `directions are a list of ${allDirections.join(', ')}`);
      for (const direction of directions) demandOneOf('a direction', direction, allDirections);
    }
    lineOf(user).setDelay(msOf(duration), directions);
  }

  /** Decides what becomes of a user's next message. */
  next(user: Connected, direction: Direction, fate: MessageFate): void {
    demandOneOf('a direction', direction, allDirections);
    demandOneOf('what becomes of a message', fate, messageFates);
    lineOf(user).next(direction, fate);
  }

  /** Decides what becomes of a user's next HTTP request. */
  nextRequest(user: Connected, fate: RequestFate): void {
    demandOneOf('what becomes of a request', fate, requestFates);
    lineOf(user).nextRequest(fate);
  }

  /** Mends everybody's line. */
  heal(): void {
    for (const { line } of this.#users()) line.heal();
  }
}

function lineOf(user: Connected): Line {
  demand(user?.line instanceof Line, 'give a user of the world: what world.user gave');
  return user.line;
}
