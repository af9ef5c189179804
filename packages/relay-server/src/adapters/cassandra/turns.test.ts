import { describe, expect, it } from 'vitest';
import { Turns } from './turns.ts';

/** A call that ends when it is told to. */
function call(log: string[], name: string) {
  const end = Promise.withResolvers<void>();
  const work = async () => {
    log.push(`${name} begins`);
    await end.promise;
    log.push(`${name} ends`);
    return name;
  };
  return { work, end: end.resolve, fail: end.reject };
}

describe('Turns', () => {
  it('lets calls with a key in common run in the order of their making, and others at once', async () => {
    const turns = new Turns();
    const log: string[] = [];
    const [one, two, three, other] = ['one', 'two', 'three', 'other'].map((name) => call(log, name));
    if (!one || !two || !three || !other) throw new Error('missing');
    const outcomes = [
      turns.take(['a'], one.work),
      turns.take(['a', 'b'], two.work),
      turns.take(['b'], three.work),
      turns.take(['c'], other.work),
    ];
    for (const { end } of [three, two, other, one]) end();
    expect(await Promise.all(outcomes)).toEqual(['one', 'two', 'three', 'other']);
    expect(log.filter((entry) => !entry.startsWith('other'))).toEqual([
      'one begins',
      'one ends',
      'two begins',
      'two ends',
      'three begins',
      'three ends',
    ]);
    expect(log.indexOf('other begins')).toBe(1);
  });

  it('a call that fails does not keep the next one from its turn', async () => {
    const turns = new Turns();
    const log: string[] = [];
    const [one, two] = [call(log, 'one'), call(log, 'two')];
    const outcomes = [turns.take(['a'], one.work), turns.take(['a'], two.work)];
    one.fail(new Error('no'));
    two.end();
    expect((await Promise.allSettled(outcomes)).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });
});
