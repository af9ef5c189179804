import { describe, expect, it } from 'vitest';
import { ManualTime } from '../../../test/manual-time.ts';
import { type LinkedNode, nodeLinkConformance } from '../../conformance/node-link.ts';
import { MemoryNodeNetwork } from './memory-node-network.ts';

/** Lets every microtask run. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('memory', () =>
  nodeLinkConformance(
    { describe, it, expect },
    {
      async open() {
        const time = new ManualTime();
        const network = new MemoryNodeNetwork({ clock: time, timers: time });
        const nodes: string[] = [];
        const start = (address: string, limits = {}): LinkedNode => {
          const node = `${address}/${nodes.length}`;
          const link = network.open(node, limits);
          nodes.push(node);
          const others = (act: (other: string) => void) => {
            for (const other of nodes) if (other !== node) act(other);
          };
          return {
            link,
            crash: async () => network.crash(node),
            restart: async () => start(address, limits),
            cut: () => others((other) => network.cut(node, other)),
            stall: () => others((other) => network.stall(node, other)),
            heal: () => others((other) => network.heal(node, other)),
          };
        };
        return {
          start: async (limits) => start(`node-${nodes.length}.example:7700`, limits),
          async pass(ms) {
            await turn();
            time.advance(ms);
            await turn();
          },
          close: async () => {
            for (const node of nodes) network.crash(node);
          },
        };
      },
    },
  ));

describe('the network of memory nodes', () => {
  const bytes = (value: number) => new Uint8Array([value]);

  function world() {
    const time = new ManualTime();
    const network = new MemoryNodeNetwork({ clock: time, timers: time, silenceMs: 6_000 });
    const [asker, other] = [network.open('one:1/a'), network.open('two:1/b')];
    const handed: number[] = [];
    other.serve(async (_, message) => {
      handed.push(message[0] ?? 0);
      return message;
    });
    return { time, network, asker, other, handed };
  }

  it('delays, and what is faster overtakes nothing', async () => {
    const { time, network, asker, other, handed } = world();
    network.delay(asker.node, other.node, 100);
    asker.tell(other.node, bytes(1));
    network.delay(asker.node, other.node, 10);
    const asked = asker.request(other.node, bytes(2), { timeoutMs: 1_000 });
    time.advance(99);
    await turn();
    expect(handed).toEqual([]);
    time.advance(1);
    await turn();
    expect(handed).toEqual([1, 2]);
    expect(await asked).toEqual({ status: 'answered', answer: bytes(2) });
  });

  it('loses requests and answers: only time tells', async () => {
    const { time, network, asker, other, handed } = world();
    network.lose(asker.node, other.node, 1);
    const lost = asker.request(other.node, bytes(1), { timeoutMs: 1_000 });
    await turn();
    network.lose(other.node, asker.node, 1);
    const done = asker.request(other.node, bytes(2), { timeoutMs: 1_000 });
    await turn();
    const heard = asker.request(other.node, bytes(3), { timeoutMs: 1_000 });
    expect((await heard).status).toBe('answered');
    expect(handed).toEqual([2, 3]);
    time.advance(1_000);
    for (const each of [lost, done]) expect(await each).toEqual({ status: 'timed-out', mayHaveArrived: true });
  });

  it('the time of a request travels with it: its handler is told though the word that it was given up is lost', async () => {
    const { time, network, asker, other } = world();
    const signals: AbortSignal[] = [];
    other.serve((_, __, { signal }) => {
      signals.push(signal);
      return new Promise(() => undefined);
    });
    const asked = asker.request(other.node, bytes(1), { timeoutMs: 1_000 });
    await turn();
    network.lose(asker.node, other.node, 1);
    time.advance(1_000);
    expect((await asked).status).toBe('timed-out');
    await turn();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it('what was answered before a node left arrives before its leave', async () => {
    const { time, network, asker, other } = world();
    network.delay(other.node, asker.node, 50);
    const asked = asker.request(other.node, bytes(1), { timeoutMs: 1_000 });
    await turn();
    await other.close();
    time.advance(50);
    expect(await asked).toEqual({ status: 'answered', answer: bytes(1) });
  });

  it('leaves no timer behind', async () => {
    const { time, asker, other } = world();
    await asker.request(other.node, bytes(1), { timeoutMs: 1_000 });
    await Promise.all([asker.close(), other.close()]);
    expect(time.pending).toBe(0);
  });
});
