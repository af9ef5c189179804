import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaultProxy } from '../network/fault-proxy.ts';
import { ClusterRelays } from './cluster-relays.ts';
import { EmbeddedRelays } from './embedded-relays.ts';
import type { Person } from './host-calls.ts';
import { SmallDisk } from './small-disk.ts';
import { SoakDevices } from './soak-devices.ts';
import { SoakHost } from './soak-host.ts';
import type { SoakOptions } from './soak-options.ts';
import type { SoakRelay } from './soak-relay.ts';
import type { SoakRelays } from './soak-relays.ts';

const mostHosts = 4;
const diskMebibytes = 1_024;

/** Who hears how a world is opened, and who may end that. */
interface OpenParts {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** All processes of a run, their disks and their ways to the relay. */
export class SoakWorld {
  readonly folder: string;
  readonly relays: SoakRelays;
  readonly hosts: readonly SoakHost[];
  /** One a host, in their order. */
  readonly proxies: readonly FaultProxy[];
  /** Of the first host, where mounting is possible. */
  readonly disk: SmallDisk | undefined;
  readonly logs: string;
  readonly devices: SoakDevices;
  #newcomers = 0;

  private constructor(options: SoakOptions, folder: string, relays: SoakRelays, proxies: readonly FaultProxy[]) {
    const people = Array.from({ length: options.clients }, (_, at) => person(at + 1));
    this.folder = folder;
    this.relays = relays;
    this.logs = logsOf(folder);
    this.disk = SmallDisk.mount(join(folder, 'host1'), diskMebibytes);
    this.proxies = proxies;
    this.hosts = proxies.map(({ url }, at) => {
      const host = `host${at + 1}`;
      const data = join(this.folder, host);
      mkdirSync(data, { recursive: true });
      const own = people.filter((_, index) => index % proxies.length === at);
      const { seed, planted } = options;
      const rate = (options.rate * own.length) / people.length;
      const settings = { host, relay: url, data, logs: this.logs, seed, rate, planted };
      return new SoakHost(own, settings, (phone) => relays.codeFor(phone));
    });
    this.devices = new SoakDevices({ hosts: this.hosts, books: relays.books });
  }

  /** @param parts.signal ends what takes long: then it rejects with the signal's reason, and leaves nothing behind */
  static async open(options: SoakOptions, parts: OpenParts): Promise<SoakWorld> {
    parts.signal.throwIfAborted();
    const folder = mkdtempSync(join(tmpdir(), 'sotto-soak-'));
    const relays = await openRelays(options, folder, parts).catch((error: unknown) => {
      rmSync(folder, { recursive: true, force: true });
      parts.signal.throwIfAborted();
      throw error;
    });
    const count = Math.min(mostHosts, options.clients);
    const proxies = Array.from({ length: count }, () => new FaultProxy(() => relays.route()));
    await Promise.all(proxies.map((proxy) => proxy.listen()));
    return new SoakWorld(options, folder, relays, proxies);
  }

  /** Everybody, each once. */
  get people(): Person[] {
    return this.hosts.flatMap(({ people }) => people.filter(({ device }) => device === undefined));
  }

  get victims(): readonly (SoakRelay | SoakHost)[] {
    return [...this.relays.nodes, ...this.hosts];
  }

  get newcomers(): number {
    return this.#newcomers;
  }

  /** Somebody new, who registers on a host. */
  newcomer(host: SoakHost): Person {
    const made = person(this.people.length + 1);
    this.#newcomers++;
    host.people.push(made);
    return made;
  }

  /** Starts all, and lets everybody write once all have accounts, and some have further devices. */
  async start(further: readonly string[]): Promise<void> {
    await this.relays.start();
    await Promise.all(this.hosts.map((host) => host.start()));
    await Promise.all(this.hosts.map((host) => host.registered));
    for (const owner of further) await this.devices.link(owner);
    for (const host of this.hosts) {
      host.peers = this.people;
      await host.process.call('setPeers', host.peers);
    }
    await Promise.all(this.hosts.map((host) => host.process.call('meet', undefined)));
    for (const host of this.hosts) host.isTalking = true;
    // They write from their next life on.
    await Promise.all(this.hosts.map((host) => host.kill()));
    for (const host of this.hosts) host.kills = 0;
    await Promise.all(this.hosts.map((host) => host.registered));
  }

  /**
   * Ends all processes, and what is under way: nothing is started any more.
   * @param isKept their files and what clients logged last stay in the folder, without the disks; otherwise it is removed
   */
  async end(isKept: boolean): Promise<void> {
    this.devices.end();
    await Promise.all(this.victims.map((victim) => victim.end()));
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    this.disk?.free();
    if (isKept) this.disk?.keep();
    else this.disk?.unmount();
    await this.relays.end(isKept);
    if (isKept) {
      for (const { name, log } of this.hosts) writeFileSync(join(this.folder, `${name}.txt`), `${log.join('\n')}\n`);
    } else {
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}

async function openRelays(options: SoakOptions, folder: string, parts: OpenParts): Promise<SoakRelays> {
  const { paced, planted, cluster } = options;
  const logs = logsOf(folder);
  mkdirSync(logs);
  if (cluster === undefined) return new EmbeddedRelays({ folder, logs, paced, planted });
  return ClusterRelays.open({ folder, logs, paced, ...cluster, ...parts });
}

function logsOf(folder: string): string {
  return join(folder, 'logs');
}

function person(number: number): Person {
  return { name: `p${number}`, phone: `+1415555${String(number).padStart(4, '0')}` };
}
