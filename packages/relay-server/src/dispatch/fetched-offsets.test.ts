import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FetchedOffsets } from './fetched-offsets.ts';

/** Offsets with holes, and an order in which some of them are resolved. */
const runs = fc
  .record({
    start: fc.nat(1000),
    gaps: fc.array(fc.nat(3), { maxLength: 60 }),
    seed: fc.infiniteStream(fc.nat(1_000_000)),
    split: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ start, gaps, seed, split }) => {
    const offsets: number[] = [];
    for (const gap of gaps) offsets.push((offsets.at(-1) ?? start - 1) + 1 + gap);
    const order = [...offsets];
    for (const [from] of order.entries()) {
      const to = (seed.next().value ?? 0) % order.length;
      [order[from], order[to]] = [order[to] ?? 0, order[from] ?? 0];
    }
    return { start, offsets, resolved: order.slice(0, Math.round(order.length * split)) };
  });

/** What the watermark is, said without any cleverness. */
function contiguous(fetched: readonly number[], resolved: ReadonlySet<number>): number | undefined {
  const open = fetched.filter((offset) => !resolved.has(offset));
  const last = fetched.at(-1);
  return open.length > 0 ? Math.min(...open) : last === undefined ? undefined : last + 1;
}

/** What has to hold of a watermark, whatever makes it. */
function holds(make: (start: number) => Pick<FetchedOffsets, 'watermark' | 'fetched' | 'resolved'>): void {
  fc.assert(
    fc.property(runs, fc.infiniteStream(fc.boolean()), ({ start, offsets, resolved }, turns) => {
      const progress = make(start);
      const done = new Set<number>();
      const came: number[] = [];
      const coming = [...offsets];
      const ready = [...resolved];
      let last = start;
      const check = () => {
        const offset = progress.watermark();
        expect(offset).toBe(contiguous(came, done));
        expect(offset ?? start).toBeGreaterThanOrEqual(last);
        last = offset ?? start;
      };
      check();
      while (coming.length > 0 || ready.length > 0) {
        const next = ready.findIndex((offset) => came.includes(offset));
        if (next < 0 && coming.length === 0) break;
        if (next >= 0 && (coming.length === 0 || turns.next().value)) {
          const [offset = 0] = ready.splice(next, 1);
          progress.resolved(offset);
          done.add(offset);
        } else {
          const offset = coming.shift() ?? 0;
          progress.fetched(offset);
          came.push(offset);
        }
        check();
      }
    }),
  );
}

describe('FetchedOffsets', () => {
  it('is the lowest unresolved offset that was fetched, or the one after the last', () => {
    holds(() => new FetchedOffsets());
  });

  it('knows of none before anything was fetched', () => {
    expect(new FetchedOffsets().watermark()).toBe(undefined);
  });

  it('passes over holes, but over no unresolved record', () => {
    const progress = new FetchedOffsets();
    for (const offset of [0, 3, 4, 9]) progress.fetched(offset);
    progress.resolved(3);
    progress.resolved(9);
    expect(progress.watermark()).toBe(0);
    progress.resolved(0);
    expect(progress.watermark()).toBe(4);
    expect(progress.open).toBe(1);
    progress.resolved(4);
    expect(progress.watermark()).toBe(10);
    expect(progress.open).toBe(0);
  });

  it('leaves repeated and unknown offsets alone', () => {
    const progress = new FetchedOffsets();
    progress.fetched(5);
    progress.fetched(6);
    progress.fetched(5);
    progress.resolved(4);
    progress.resolved(8);
    expect(progress.watermark()).toBe(5);
    progress.resolved(5);
    progress.resolved(5);
    expect(progress.watermark()).toBe(6);
    progress.fetched(5);
    expect(progress.watermark()).toBe(6);
    expect(progress.open).toBe(1);
  });

  it('keeps nothing of what is done', () => {
    const progress = new FetchedOffsets();
    for (let offset = 0; offset < 100_000; offset += 1) {
      progress.fetched(offset);
      if (offset >= 10) progress.resolved(offset - 10);
    }
    expect(progress.watermark()).toBe(99_990);
    expect(progress.open).toBe(10);
  });

  it('would be found out if it committed past a hole that is a record in flight', () => {
    class PastAHole {
      offset: number;
      constructor(start: number) {
        this.offset = start;
      }
      readonly fetched = () => undefined;
      readonly watermark = () => this.offset;
      resolved(offset: number): void {
        this.offset = Math.max(this.offset, offset + 1);
      }
    }
    expect(() => holds((start) => new PastAHole(start))).toThrow();
  });

  it('would be found out if it counted offsets as if there were no holes', () => {
    class NoHoles {
      readonly #done = new Set<number>();
      offset: number;
      constructor(start: number) {
        this.offset = start;
      }
      readonly fetched = () => undefined;
      readonly watermark = () => this.offset;
      resolved(offset: number): void {
        this.#done.add(offset);
        while (this.#done.delete(this.offset)) this.offset += 1;
      }
    }
    expect(() => holds((start) => new NoHoles(start))).toThrow();
  });
});
