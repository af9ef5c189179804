import { describe, expect, it } from 'vitest';
import type { GroupId } from '../ports/ids.ts';
import { GroupLanes } from './group-lanes.ts';

const one = 'one' as GroupId;
const other = 'other' as GroupId;

describe('lanes', () => {
  it('do the work of a group in its order, whatever became of what was before, and of others beside it', async () => {
    const lanes = new GroupLanes();
    const done: string[] = [];
    const first = Promise.withResolvers<void>();
    const slow = lanes.run(one, async () => {
      await first.promise;
      done.push('first');
      throw new Error('it failed');
    });
    const next = lanes.run(one, async () => done.push('second'));
    await lanes.run(other, async () => done.push('other'));
    expect(done).toEqual(['other']);
    first.resolve();
    await expect(slow).rejects.toThrow('it failed');
    await next;
    expect(done).toEqual(['other', 'first', 'second']);
    await lanes.idle();
  });
});
