import { networkFaults } from '../network/fault-proxy.ts';
import type { SoakHost } from './soak-host.ts';
import type { Fault, FaultParts } from './soak-relays.ts';
import type { SoakWorld } from './soak-world.ts';
import { ignoringEnd } from './victim.ts';
import { stopMs } from './weather.ts';

const second = 1_000;
const hour = 3_600 * second;
const day = 24 * hour;

/** Faults of clients, of their ways to the relay, and of relay processes: those that stand still, full disks, broken networks, clocks that jump. */
export function worldFaults(world: SoakWorld, parts: FaultParts): readonly Fault[] {
  const { seeded, during } = parts;
  const { relays, hosts, disk, proxies } = world;
  const anyOf = <T>(all: readonly T[]): T => {
    const [first, ...more] = all;
    if (first === undefined) throw new Error('there is none');
    return seeded.oneOf(first, ...more);
  };
  const stop = async (victim: SoakWorld['victims'][number]) => {
    const ms = stopMs(parts);
    await victim.alone(async () => {
      victim.stop();
      await during(ms);
      victim.continue();
    });
  };
  /** To either side, from the right time. */
  const jump = async (victim: SoakWorld['victims'][number], farthest: number) => {
    const sizes = [5 * 60 * second, 3 * hour, 2 * day].filter((size) => size < farthest);
    const size = seeded.oneOf(farthest, ...sizes);
    await victim.setClock(seeded.oneOf(1, -1) * seeded.between(0, size));
  };
  const fill = async (full: NonNullable<typeof disk>, victim: SoakHost) => {
    victim.mayFail = true;
    full.fill();
    await during(seeded.between(1, 4) * second);
    full.free();
    await victim.alone(async () => {
      await victim.revive();
      victim.mayFail = false;
    });
  };
  const faults: Fault[] = networkFaults.map((fault) => ({
    kind: `network ${fault}`,
    run: async () => {
      const chosen = anyOf(proxies);
      await chosen.set(fault);
      await during(seeded.between(1, 6) * second);
      await chosen.set('pass');
    },
  }));
  faults.push(
    { kind: 'SIGSTOP client', run: () => stop(anyOf(hosts)) },
    { kind: 'SIGSTOP relay', run: () => stop(anyOf(relays.nodes)) },
    { kind: 'clock client', run: () => jump(anyOf(hosts), 9 * day) },
    { kind: 'clock relay', run: () => jump(anyOf(relays.nodes), relays.farthestClockMs) },
    {
      kind: 'client acks nothing',
      run: async () => {
        const host = anyOf(hosts);
        await ignoringEnd(host.process.call('mute', true));
        await during(seeded.between(5, 20) * second);
        await ignoringEnd(host.process.call('mute', false));
      },
    },
    {
      kind: 'all connections reset at once',
      run: async () => {
        await Promise.all(proxies.map((proxy) => proxy.set('reset')));
        await during(second / 2);
        await Promise.all(proxies.map((proxy) => proxy.set('pass')));
      },
    },
  );
  const [first] = hosts;
  if (disk && first) faults.push({ kind: 'disk full client', run: () => fill(disk, first) });
  return faults;
}
