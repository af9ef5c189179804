import type { Clock } from '../src/ports/clock.ts';

/** A clock that goes on only when it is told to. */
export class MovingClock implements Clock {
  private time: number;

  constructor(time = 1_800_000_000_000) {
    this.time = time;
  }

  now(): number {
    return this.time;
  }

  /** Goes on by `ms`; backwards when negative. */
  advance(ms: number): void {
    this.time += ms;
  }
}
