import type { Nodes } from '../ports/nodes.ts';
import { type HarnessMaker, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import { start } from './samples.ts';

const [one, two, three] = ['one.example:7700/a', 'two.example:7700/b', 'three.example:7700/c'];

/** What every `Nodes` must hold. */
export function nodesConformance(runner: Runner, maker: HarnessMaker<{ readonly nodes: Nodes }>): void {
  const { expect } = runner;
  suite(runner, 'Nodes', maker, ({ check }) => {
    const others = async (nodes: Nodes, node: string, now: number) => [...(await nodes.others(node, now))].sort();

    check('each sees the others, and not itself', async ({ stores: { nodes } }) => {
      expect(await others(nodes, one, start)).toEqual([]);
      for (const node of [one, two, three]) await nodes.announce(node, start + 1000);
      expect(await others(nodes, one, start)).toEqual([three, two]);
      expect(await others(nodes, two, start)).toEqual([one, three]);
      expect(await others(nodes, 'four.example:7700/d', start)).toEqual([one, three, two]);
    });

    check('is up to the millisecond that was said last', async ({ stores: { nodes } }) => {
      await nodes.announce(one, start + 1000);
      expect(await others(nodes, two, start + 999)).toEqual([one]);
      expect(await others(nodes, two, start + 1000)).toEqual([]);
      await nodes.announce(one, start + 2000);
      expect(await others(nodes, two, start + 1999)).toEqual([one]);
      await nodes.announce(one, start + 500);
      expect(await others(nodes, two, start + 499)).toEqual([one]);
      expect(await others(nodes, two, start + 500)).toEqual([]);
    });

    check('comes back after its time', async ({ stores: { nodes } }) => {
      await nodes.announce(one, start);
      expect(await others(nodes, two, start)).toEqual([]);
      await nodes.announce(one, start + 1000);
      expect(await others(nodes, two, start)).toEqual([one]);
    });

    check('is gone when it leaves, and alone', async ({ stores: { nodes } }) => {
      await nodes.announce(one, start + 1000);
      await nodes.announce(two, start + 1000);
      await nodes.leave(one);
      await nodes.leave(three);
      expect(await others(nodes, three, start)).toEqual([two]);
    });

    check('two starts of one address are two nodes', async ({ stores: { nodes } }) => {
      const again = 'one.example:7700/z';
      await nodes.announce(one, start + 1000);
      await nodes.announce(again, start + 1000);
      expect(await others(nodes, one, start)).toEqual([again]);
      await nodes.leave(one);
      expect(await others(nodes, two, start)).toEqual([again]);
    });
  });
}
