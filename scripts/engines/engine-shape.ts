import type { ShapeAsked } from './engine-command.ts';
import type { EngineName } from './engine-name.ts';

/** What a folder of engines was made with: its data fits no other. */
export interface EngineShape {
  readonly brokers: 1 | 3;
  readonly nodes: 1 | 3;
  readonly portBase: number;
  readonly retentionMs: number;
  /** Clients come through proxies, which whoever tries faults puts before the members: see {@link EngineMember.far}. */
  readonly isProxied: boolean;
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
  /** For the others of its kind, for tools, and for clients that say who they are. */
  readonly further: Readonly<Record<string, number>>;
  /** Where clients think that it listens when there is a proxy before it: the member tells them so itself, where they learn its address from it. The proxy listens there, and leads to the same port of {@link host}. */
  readonly far: { readonly host: string; readonly port: number };
}

const week = 7 * 24 * 60 * 60 * 1000;

/** One of each, on ports that no operating system gives out by itself: Linux begins at 32768. */
export const defaultShape: EngineShape = {
  brokers: 1,
  nodes: 1,
  portBase: 19_000,
  retentionMs: week,
  isProxied: false,
};

/** Whether what is asked for can be had from a folder that was made with `made`: it has to be the same wherever it says something. */
export function conflictOf(asked: ShapeAsked, made: EngineShape): string | undefined {
  const options = { brokers: '--brokers', nodes: '--nodes', portBase: '--ports', retentionMs: '--retention-ms' };
  if (asked.isProxied !== undefined && asked.isProxied !== made.isProxied) {
    return made.isProxied ? '--proxied' : 'no --proxied';
  }
  for (const key of ['brokers', 'nodes', 'portBase', 'retentionMs'] as const) {
    const value = asked[key];
    if (value !== undefined && value !== made[key]) return `${options[key]} ${made[key]}, not ${value}`;
  }
  return undefined;
}

/** Every process of a shape with its ports. */
export function membersOf({ brokers, nodes, portBase, isProxied }: EngineShape): readonly EngineMember[] {
  const local = '127.0.0.1';
  return [
    ...count(nodes).map((number): EngineMember => {
      // Nodes of a cluster share the ports, each on an address of its own; tools reach every one on the first address.
      const further = { storage: portBase + 700, jmx: portBase + 709 + number };
      const host = `127.0.0.${number}`;
      const port = portBase + 42;
      return {
        engine: 'cassandra',
        name: `cassandra-${number}`,
        number,
        host,
        port,
        further,
        far: farOf(number, port),
      };
    }),
    ...count(brokers).map((number): EngineMember => {
      const port = portBase + 90 + 2 * number;
      const far = farOf(number, portBase + 120 + number);
      const secured = { sasl: port + 10, tls: port + 11 };
      const further = { controller: port + 1, ...secured, ...(isProxied && { proxied: far.port }) };
      return { engine: 'kafka', name: `kafka-${number}`, number, host: local, port, further, far };
    }),
    only('redis', portBase + 379),
    only('s3', portBase + 70),
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

function only(engine: EngineName, port: number): EngineMember {
  return { engine, name: engine, number: 1, host: '127.0.0.1', port, further: {}, far: farOf(1, port) };
}

/** On addresses of the loopback that no member has. */
function farOf(number: number, port: number): EngineMember['far'] {
  return { host: `127.0.1.${number}`, port };
}

/** Where clients reach a member. */
export function clientAddress(member: EngineMember, { isProxied }: EngineShape): EngineMember['far'] {
  return isProxied ? member.far : member;
}

function count(length: number): readonly number[] {
  return Array.from({ length }, (_, index) => index + 1);
}
