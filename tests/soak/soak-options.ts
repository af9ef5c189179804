import { parseArgs } from 'node:util';
import type { Engines } from '../../packages/relay-server/test/engines.ts';

export const plantedBugs = ['ack-before-commit', 'result-before-commit', 'dedupe-by-id-only', 'sync-left-out'] as const;
export type PlantedBug = (typeof plantedBugs)[number];

/** How to run a soak. */
export interface SoakOptions {
  /** How long faults happen; the end takes a little more. */
  readonly minutes: number;
  readonly seed: number;
  /** How many people, on four processes. */
  readonly clients: number;
  /** About how many messages a second all of them try to send. */
  readonly rate: number;
  readonly planted: PlantedBug | undefined;
  /** The relay's own limits stay as they come, so that clients have to pace themselves. */
  readonly paced: boolean;
  /** Nobody has further devices. */
  readonly oneDevice: boolean;
  /** Relay nodes on engines; a relay of one process when left out. */
  readonly cluster: ClusterSoak | undefined;
}

/** On what the nodes of a relay stand. */
export interface ClusterSoak {
  readonly brokers: 1 | 3;
  readonly nodes: 1 | 3;
  /** The thousand ports of the engines begin here. */
  readonly ports: number;
  /** The folder of engines that are up already, with `--proxied`: they are harmed, and stay up. */
  readonly engines: string | undefined;
  /** Where engines are that nobody harms; in place of all of the above. */
  readonly addresses?: Engines;
  /** Nothing breaks: the nodes are stopped and started one after the other, and a third one joins. */
  readonly rolling: boolean;
}

export const usage = `npm run soak -- [--minutes N] [--seed S] [--clients C] [--rate R] [--paced] [--one-device] [--planted BUG]
npm run soak -- --cluster [--brokers N] [--nodes N] [--ports BASE] [--engines DIR] [--rolling] [--minutes N] [--seed S] ...

--minutes   how long faults happen (1)
--seed      what decides which ones (1)
--clients   how many people write to each other (12; 8 in runs under two minutes)
--rate      about how many messages a second they try to send (1,000)
--paced     keeps the relay's limits, so that clients have to pace themselves
--one-device  nobody has further devices
--cluster   two relay nodes on Kafka, Cassandra, Redis and S3, which are brought up for the run
--brokers, --nodes   of Kafka and Cassandra, 1 or 3 each (3)
--ports     the thousand ports of the engines begin here (23000)
--engines   a folder of engines that are up with --proxied already, of which nothing else is kept: they are harmed
--rolling   nothing breaks: the relay nodes are stopped and started one after the other, and a third one joins
--planted   a bug that has to be found: ${plantedBugs.join(', ')}
`;

/** Reads a command line; a text is what is wrong with it. */
export function readSoakOptions(args: readonly string[]): SoakOptions | 'help' | { readonly wrong: string } {
  try {
    const { values } = parseArgs({
      args: signedNumbers(args),
      options: {
        minutes: { type: 'string' },
        seed: { type: 'string' },
        clients: { type: 'string' },
        rate: { type: 'string' },
        paced: { type: 'boolean' },
        'one-device': { type: 'boolean' },
        planted: { type: 'string' },
        cluster: { type: 'boolean' },
        brokers: { type: 'string' },
        nodes: { type: 'string' },
        ports: { type: 'string' },
        engines: { type: 'string' },
        rolling: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) return 'help';
    const options = checked(values);
    return typeof options === 'string' ? { wrong: options } : options;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { wrong: error.message };
  }
}

/** A number below zero is a value, not an option: it is joined to the option before it, for what is wrong with it to be said of the number. */
function signedNumbers(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const last = joined.at(-1);
    if (/^-\d/.test(arg) && last?.startsWith('--') && !last.includes('=')) joined[joined.length - 1] = `${last}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

interface Given {
  readonly minutes?: string | undefined;
  readonly seed?: string | undefined;
  readonly clients?: string | undefined;
  readonly rate?: string | undefined;
  readonly paced?: boolean | undefined;
  readonly 'one-device'?: boolean | undefined;
  readonly cluster?: boolean | undefined;
  readonly brokers?: string | undefined;
  readonly nodes?: string | undefined;
  readonly ports?: string | undefined;
  readonly engines?: string | undefined;
  readonly rolling?: boolean | undefined;
  readonly planted?: string | undefined;
}

function checked(values: Given): SoakOptions | string {
  const planted = plantedBugs.find((name) => name === values.planted);
  if (values.planted !== undefined && planted === undefined) return `there is no planted bug "${values.planted}"`;
  const minutes = Number(values.minutes ?? (planted === undefined ? 1 : 0.5));
  const seed = Number(values.seed ?? 1);
  // A short run has no time for many.
  const clients = Number(values.clients ?? (planted !== undefined ? 2 : minutes < 2 ? 8 : 12));
  // Engines and nodes share the machine with the clients.
  const usual = values.cluster ? 100 : 1_000;
  const rate = Number(values.rate ?? (planted === undefined ? usual : 200));
  if (!(minutes > 0 && minutes <= 24 * 60)) return '--minutes is a number above 0, up to a day';
  if (!Number.isSafeInteger(seed) || seed < 0) return '--seed is a whole number from 0';
  if (!Number.isInteger(clients) || clients < 2 || clients > 100) return '--clients is a whole number from 2 to 100';
  if (!(rate >= 1 && rate <= 10_000)) return '--rate is a number from 1 to 10,000';
  const cluster = clusterOf(values);
  if (typeof cluster === 'string') return cluster;
  if (cluster !== undefined && planted !== undefined) return '--planted is for a relay of one process';
  return {
    minutes,
    seed,
    clients,
    rate,
    planted,
    paced: values.paced ?? false,
    oneDevice: values['one-device'] ?? false,
    cluster,
  };
}

/** A text is what is wrong. */
function clusterOf({ cluster, brokers, nodes, ports, engines, rolling }: Given): ClusterSoak | string | undefined {
  if (!cluster) {
    const given = Object.entries({ brokers, nodes, ports, engines, rolling }).find(([, value]) => value !== undefined);
    return given === undefined ? undefined : `--${given[0]} is for --cluster`;
  }
  const [brokerCount, nodeCount] = [brokers ?? '3', nodes ?? '3'].map((text) =>
    text === '1' ? 1 : text === '3' ? 3 : undefined,
  );
  if (brokerCount === undefined) return '--brokers is 1 or 3';
  if (nodeCount === undefined) return '--nodes is 1 or 3';
  const base = Number(ports ?? 23_000);
  if (!Number.isInteger(base) || base < 1024 || base > 64_000) return '--ports is a whole number from 1024 to 64,000';
  return { brokers: brokerCount, nodes: nodeCount, ports: base, engines, rolling: rolling ?? false };
}
