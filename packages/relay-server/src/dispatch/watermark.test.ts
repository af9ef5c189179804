import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Watermark } from './watermark.ts';

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
function contiguous(start: number, fetched: readonly number[], resolved: ReadonlySet<number>): number {
  const open = fetched.filter((offset) => !resolved.has(offset));
  return open.length > 0 ? Math.min(...open) : (fetched.at(-1) ?? start - 1) + 1;
}

/** What has to hold of a watermark, whatever makes it. */
function holds(make: (start: number) => Pick<Watermark, 'offset' | 'fetched' | 'resolved'>): void {
  fc.assert(
    fc.property(runs, fc.infiniteStream(fc.boolean()), ({ start, offsets, resolved }, turns) => {
      const watermark = make(start);
      const done = new Set<number>();
      const came: number[] = [];
      const coming = [...offsets];
      const ready = [...resolved];
      let last = start;
      const check = () => {
        expect(watermark.offset).toBe(contiguous(start, came, done));
        expect(watermark.offset).toBeGreaterThanOrEqual(last);
        last = watermark.offset;
      };
      check();
      while (coming.length > 0 || ready.length > 0) {
        const next = ready.findIndex((offset) => came.includes(offset));
        if (next < 0 && coming.length === 0) break;
        if (next >= 0 && (coming.length === 0 || turns.next().value)) {
          const [offset = 0] = ready.splice(next, 1);
          watermark.resolved(offset);
          done.add(offset);
        } else {
          const offset = coming.shift() ?? 0;
          watermark.fetched(offset);
          came.push(offset);
        }
        check();
      }
    }),
  );
}

describe('Watermark', () => {
  it('is the lowest unresolved offset that was fetched, or the one after the last', () => {
    holds((start) => new Watermark(start));
  });

  it('begins where reading begins', () => {
    expect(new Watermark(7).offset).toBe(7);
  });

  it('passes over holes, but over no unresolved record', () => {
    const watermark = new Watermark(0);
    for (const offset of [0, 3, 4, 9]) watermark.fetched(offset);
    watermark.resolved(3);
    watermark.resolved(9);
    expect(watermark.offset).toBe(0);
    watermark.resolved(0);
    expect(watermark.offset).toBe(4);
    expect(watermark.unresolved).toBe(1);
    watermark.resolved(4);
    expect(watermark.offset).toBe(10);
    expect(watermark.unresolved).toBe(0);
  });

  it('leaves repeated and unknown offsets alone', () => {
    const watermark = new Watermark(5);
    watermark.fetched(5);
    watermark.fetched(6);
    watermark.fetched(5);
    watermark.resolved(4);
    watermark.resolved(8);
    expect(watermark.offset).toBe(5);
    watermark.resolved(5);
    watermark.resolved(5);
    expect(watermark.offset).toBe(6);
    watermark.fetched(5);
    expect(watermark.offset).toBe(6);
    expect(watermark.unresolved).toBe(1);
  });

  it('keeps nothing of what is done', () => {
    const watermark = new Watermark(0);
    for (let offset = 0; offset < 100_000; offset += 1) {
      watermark.fetched(offset);
      if (offset >= 10) watermark.resolved(offset - 10);
    }
    expect(watermark.offset).toBe(99_990);
    expect(watermark.unresolved).toBe(10);
  });

  it('would be found out if it committed past a hole that is a record in flight', () => {
    class PastAHole {
      offset: number;
      constructor(start: number) {
        this.offset = start;
      }
      readonly fetched = () => undefined;
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
      resolved(offset: number): void {
        this.#done.add(offset);
        while (this.#done.delete(this.offset)) this.offset += 1;
      }
    }
    expect(() => holds((start) => new NoHoles(start))).toThrow();
  });
});
