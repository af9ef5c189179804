import type { ShapeAsked } from './engine-command.ts';
import type { EngineName } from './engine-name.ts';

/** What a folder of engines was made with: its data fits no other. */
export interface EngineShape {
  readonly brokers: 1 | 3;
  readonly nodes: 1 | 3;
  readonly portBase: number;
  readonly retentionMs: number;
}

/** One port that a process listens on. */
export interface PortUse {
  /** As in "kafka-1 (controller)". */
  readonly user: string;
  readonly host: string;
  readonly port: number;
}

/** A process of an engine, and where it listens. */
export interface EngineMember {
  readonly engine: EngineName;
  /** As in "kafka-1": unique in a folder, and the name of its configuration, data and log. */
  readonly name: string;
  /** From 1. */
  readonly number: number;
  readonly host: string;
  /** For clients. */
  readonly port: number;
  /** For the others of its kind, and for tools. */
  readonly further: Readonly<Record<string, number>>;
}

const week = 7 * 24 * 60 * 60 * 1000;

/** One of each, on ports that no operating system gives out by itself: Linux begins at 32768. */
export const defaultShape: EngineShape = { brokers: 1, nodes: 1, portBase: 19_000, retentionMs: week };

/** Whether what is asked for can be had from a folder that was made with `made`: it has to be the same wherever it says something. */
export function conflictOf(asked: ShapeAsked, made: EngineShape): string | undefined {
  const options = { brokers: '--brokers', nodes: '--nodes', portBase: '--ports', retentionMs: '--retention-ms' };
  for (const key of ['brokers', 'nodes', 'portBase', 'retentionMs'] as const) {
    const value = asked[key];
    if (value !== undefined && value !== made[key]) return `${options[key]} ${made[key]}, not ${value}`;
  }
  return undefined;
}

/** Every process of a shape with its ports. */
export function membersOf({ brokers, nodes, portBase }: EngineShape): readonly EngineMember[] {
  const local = '127.0.0.1';
  return [
    ...count(nodes).map((number): EngineMember => {
      // Nodes of a cluster share the ports, each on an address of its own; tools reach every one on the first address.
      const further = { storage: portBase + 700, jmx: portBase + 709 + number };
      const host = `127.0.0.${number}`;
      return { engine: 'cassandra', name: `cassandra-${number}`, number, host, port: portBase + 42, further };
    }),
    ...count(brokers).map((number): EngineMember => {
      const port = portBase + 90 + 2 * number;
      const further = { controller: port + 1 };
      return { engine: 'kafka', name: `kafka-${number}`, number, host: local, port, further };
    }),
    { engine: 'redis', name: 'redis', number: 1, host: local, port: portBase + 379, further: {} },
    { engine: 's3', name: 's3', number: 1, host: local, port: portBase + 70, further: {} },
  ];
}

/** Every port that a process listens on, for saying which is taken. */
export function portsOf({ engine, name, host, port, further }: EngineMember): readonly PortUse[] {
  const others = Object.entries(further).map(([purpose, number]) => ({
    user: `${name} (${purpose})`,
    host: engine === 'cassandra' && purpose === 'jmx' ? '127.0.0.1' : host,
    port: number,
  }));
  return [{ user: name, host, port }, ...others];
}

function count(length: number): readonly number[] {
  return Array.from({ length }, (_, index) => index + 1);
}
