import type { Guarantees } from './messenger.ts';

/** What was measured of one server. */
export interface PeerMeasure {
  readonly name: string;
  readonly version: string;
  /** Messages a second between connected users: confirmed to the sender, arrived at the recipient and confirmed by it. */
  readonly online: number;
  /** Confirmed messages a second for users who are not connected. */
  readonly store: number;
  /** Stored messages a second that came to users who connected again. */
  readonly drain: number;
  /** Of resident memory, a connection. */
  readonly idleKib: number;
  readonly rounds: number;
  /** Microseconds of CPU time a message, by process. */
  readonly cpuUs: Readonly<Record<'online' | 'store' | 'drain', Readonly<Record<string, number>>>>;
  /** Cores in use, by process. */
  readonly cores: Readonly<Record<'online' | 'store' | 'drain', Readonly<Record<string, number>>>>;
  readonly guarantees: Guarantees;
}

/** A generator that uses this much of a core may be what holds the rest up: its one thread has no more. */
const busyCores = 0.9;

/** The measures as lines of a Markdown table, then what each server promises, then where the load was the limit. */
export function peerTable(measures: readonly PeerMeasure[]): readonly string[] {
  const kinds = ['online', 'store', 'drain'] as const;
  const limited = measures.flatMap(({ name, cores }) =>
    kinds.filter((kind) => (cores[kind].load ?? 0) >= busyCores).map((kind) => `${name} ${kind}`),
  );
  return [
    '| | online | offline store | drain | idle connection | server CPU a message (online, store, drain) | load CPU a message |',
    '|---|---|---|---|---|---|---|',
    ...measures.map(
      ({ name, version, online, store, drain, idleKib, cpuUs }) =>
        `| ${name} ${version} | ${online}/s | ${store}/s | ${drain}/s | ${idleKib} KiB | ${kinds.map((kind) => cpuUs[kind].server).join(', ')} µs | ${kinds.map((kind) => cpuUs[kind].load).join(', ')} µs |`,
    ),
    '',
    '| | durable | who reads | order | acks | repeats |',
    '|---|---|---|---|---|---|',
    ...measures.map(({ name, guarantees }) => {
      const { durability, encryption, ordering, acks, repeats } = guarantees;
      return `| ${name} | ${[durability, encryption, ordering, acks, repeats].join(' | ')} |`;
    }),
    '',
    limited.length === 0
      ? 'The load generator had room left everywhere.'
      : `The load generator (one thread) was at its own limit here, so that the server may be faster: ${limited.join('; ')}.`,
  ];
}
