import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chatIdOf, userIdOf } from '../../test/numbered-uuid.ts';
import type { StreamRecord } from '../ports/chat-record.ts';
import { admit, closeGaps, gapsKept } from './ordering.ts';

const empty: StreamRecord = { chatId: chatIdOf(1), userId: userIdOf(1), deviceId: 1 as never, highest: 0, gaps: [] };

interface Placed {
  readonly seq: number;
  readonly position: number;
  readonly late: boolean;
}

/** Lets messages arrive one after the other, each with the next position. */
function arrive(
  seqs: readonly number[],
  stream = empty,
  from = 0,
): { stream: StreamRecord; placed: readonly Placed[] } {
  const placed: Placed[] = [];
  let now = stream;
  for (const [at, seq] of seqs.entries()) {
    const next = from + at + 1;
    const admission = admit(now, seq, next);
    now = admission.stream;
    placed.push({ seq, position: admission.latePosition ?? next, late: admission.late });
  }
  return { stream: now, placed };
}

function missing(stream: StreamRecord): readonly number[] {
  return stream.gaps.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
}

/** 1..n, some lost, in any order. */
const arrivals = fc.integer({ min: 1, max: 60 }).chain((n) =>
  fc.shuffledSubarray(
    Array.from({ length: n }, (_, at) => at + 1),
    { minLength: 1 },
  ),
);

describe('the order of a sender device', () => {
  it('puts whatever arrives, in whatever order, at places sorted by its numbers', () => {
    fc.assert(
      fc.property(arrivals, (seqs) => {
        const { stream, placed } = arrive(seqs);
        const shown = [...placed].sort((a, b) => a.position - b.position || a.seq - b.seq).map(({ seq }) => seq);
        expect(shown).toEqual([...seqs].sort((a, b) => a - b));
        const highest = Math.max(...seqs);
        expect(stream.highest).toBe(highest);
        const lost = Array.from({ length: highest }, (_, at) => at + 1).filter((seq) => !seqs.includes(seq));
        expect(missing(stream)).toEqual(lost);
        const late = seqs.filter((seq, at) => seqs.slice(0, at).some((earlier) => earlier > seq));
        expect(placed.filter((one) => one.late).map(({ seq }) => seq)).toEqual(late);
      }),
      { numRuns: 2_000 },
    );
  });

  it('shows nothing between a late message and the one that it belongs before, but their own', () => {
    const { placed } = arrive([1, 2, 7, 8, 4, 9, 3]);
    expect(placed.map(({ position, late }) => [position, late])).toEqual([
      [1, false],
      [2, false],
      [3, false],
      [4, false],
      [3, true],
      [6, false],
      [3, true],
    ]);
  });

  it('puts numbers that were not missing at the end, as late', () => {
    const { stream, placed } = arrive([1, 2, 3, 2, 1, 3]);
    expect(placed.slice(3)).toEqual([
      { seq: 2, position: 4, late: true },
      { seq: 1, position: 5, late: true },
      { seq: 3, position: 6, late: true },
    ]);
    expect(stream).toMatchObject({ highest: 3, gaps: [] });
  });

  it('never keeps more than 64 gaps, ascending, whatever comes and whatever is announced as a hole', () => {
    const step = fc.oneof(
      fc.record({ seq: fc.integer({ min: 1, max: 5_000 }) }),
      fc.record({ holes: fc.array(fc.nat(5_000), { minLength: 1, maxLength: 256 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let stream = empty;
        let position = 0;
        for (const next of steps) {
          position++;
          stream = 'seq' in next ? admit(stream, next.seq, position).stream : closeGaps(stream, next.holes, position);
          expect(stream.gaps.length).toBeLessThanOrEqual(gapsKept);
          for (const [at, gap] of stream.gaps.entries()) {
            expect(gap.from).toBeLessThanOrEqual(gap.to);
            expect(gap.to).toBeLessThan(stream.gaps[at + 1]?.from ?? stream.highest);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('forgets the oldest gap first', () => {
    const everyOther = Array.from({ length: 70 }, (_, at) => 2 * at + 2);
    const { stream } = arrive(everyOther);
    expect(missing(stream)).toEqual(everyOther.slice(-gapsKept).map((seq) => seq - 1));
    expect(admit(stream, 1, 1_000)).toMatchObject({ latePosition: undefined, late: true });
  });

  it('ends with the same gaps when holes are announced, whenever the announcement comes', () => {
    fc.assert(
      fc.property(arrivals, fc.nat(), fc.nat(), (seqs, cut, divisor) => {
        const highest = Math.max(...seqs);
        const holes = Array.from({ length: highest }, (_, at) => at + 1).filter(
          (seq) => !seqs.includes(seq) && seq % ((divisor % 4) + 1) === 0,
        );
        if (holes.length === 0) return;
        const at = cut % (seqs.length + 1);
        const before = arrive(seqs.slice(0, at));
        const announced = closeGaps(before.stream, holes, at + 1);
        const after = arrive(seqs.slice(at), announced, at + 1);
        const expected = missing(arrive(seqs).stream).filter((seq) => !holes.includes(seq));
        expect(missing(after.stream)).toEqual(expected);
        const shown = [...before.placed, ...after.placed].sort((a, b) => a.position - b.position || a.seq - b.seq);
        expect(shown.map(({ seq }) => seq)).toEqual([...seqs].sort((a, b) => a - b));
      }),
      { numRuns: 1_000 },
    );
  });
});
