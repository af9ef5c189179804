import { networkFaults } from '../network/fault-proxy.ts';
import type { SoakEngines } from './soak-engines.ts';
import type { Fault, FaultParts } from './soak-relays.ts';
import { stopMs } from './weather.ts';

const second = 1_000;
const engineNames = ['kafka', 'cassandra', 'redis', 's3'] as const;

/**
 * Faults of one process of one engine at a time: killed, stopped, cut off in each way, slow, its disk full; and of Redis, wiped.
 */
export function engineFaults(engines: SoakEngines, parts: FaultParts): readonly Fault[] {
  const { seeded, during } = parts;
  const memberOf = (engine: string) => {
    const [first, ...more] = engines.names.filter((name) => name.replace(/-\d$/, '') === engine);
    if (first === undefined) throw new Error(`there is no ${engine}`);
    return seeded.oneOf(first, ...more);
  };
  const short = () => seeded.between(2, 12) * second;
  const faults: Fault[] = [];
  const add = (kind: string, run: () => Promise<void>) => faults.push({ kind, run });
  for (const engine of engineNames) {
    add(`${engine} killed`, async () => {
      const member = memberOf(engine);
      await engines.kill(member);
      await during(short());
      await engines.revive(member);
    });
    add(`${engine} stopped`, async () => {
      const member = memberOf(engine);
      await engines.pause(member);
      try {
        await during(stopMs(parts));
      } finally {
        await engines.resume(member);
      }
    });
    for (const fault of networkFaults) {
      add(`${engine} ${fault}`, async () => {
        const member = memberOf(engine);
        await engines.cut(member, fault);
        await during(short());
        await engines.cut(member, 'pass');
      });
    }
  }
  add('redis wiped', () => engines.wipeRedis());
  for (const [member, disk] of engines.disks) {
    add(`${member.replace(/-\d$/, '')} disk full`, async () => {
      disk.fill();
      await during(short());
      disk.free();
      // What has failed to write does not write again before it is started anew, but for the S3 server.
      if (member !== 's3') await engines.kill(member);
      await engines.revive(member);
    });
  }
  return faults;
}
