import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaultProxy } from '../network/fault-proxy.ts';
import type { Person } from './host-calls.ts';
import { SmallDisk } from './small-disk.ts';
import { SoakDevices } from './soak-devices.ts';
import { SoakHost } from './soak-host.ts';
import type { SoakOptions } from './soak-options.ts';
import { SoakRelay } from './soak-relay.ts';

const mostHosts = 4;
const diskMebibytes = 1_024;

/** All processes of a run, their disks and their ways to the relay. */
export class SoakWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'sotto-soak-'));
  readonly relay: SoakRelay;
  readonly hosts: readonly SoakHost[];
  /** One a host, in their order. */
  readonly proxies: readonly FaultProxy[];
  /** Of the relay and of the first host, where mounting is possible. */
  readonly disks: { readonly relay: SmallDisk | undefined; readonly host: SmallDisk | undefined };
  readonly logs = join(this.folder, 'logs');
  readonly devices: SoakDevices;
  #newcomers = 0;

  private constructor(options: SoakOptions, proxies: readonly FaultProxy[], relay: () => SoakRelay, people: Person[]) {
    mkdirSync(this.logs);
    const relayData = join(this.folder, 'relay');
    this.disks = {
      relay: SmallDisk.mount(relayData, diskMebibytes),
      host: SmallDisk.mount(join(this.folder, 'host1'), diskMebibytes),
    };
    this.relay = new SoakRelay({ data: relayData, paced: options.paced, planted: options.planted });
    this.proxies = proxies;
    this.hosts = proxies.map(({ url }, at) => {
      const host = `host${at + 1}`;
      const data = join(this.folder, host);
      mkdirSync(data, { recursive: true });
      const own = people.filter((_, index) => index % proxies.length === at);
      const { seed, planted } = options;
      const rate = (options.rate * own.length) / people.length;
      const settings = { host, relay: url, data, logs: this.logs, seed, rate, planted };
      return new SoakHost(own, settings, (phone) => relay().codeFor(phone));
    });
    this.devices = new SoakDevices({ hosts: this.hosts, relayData });
  }

  static async open(options: SoakOptions): Promise<SoakWorld> {
    const count = Math.min(mostHosts, options.clients);
    let relay: SoakRelay | undefined;
    const running = () => {
      if (relay === undefined) throw new Error('there is no relay yet');
      return relay;
    };
    const proxies = Array.from({ length: count }, () => new FaultProxy(() => running().port));
    await Promise.all(proxies.map((proxy) => proxy.listen()));
    const people = Array.from({ length: options.clients }, (_, at) => person(at + 1));
    const world = new SoakWorld(options, proxies, running, people);
    relay = world.relay;
    return world;
  }

  /** Everybody, each once. */
  get people(): Person[] {
    return this.hosts.flatMap(({ people }) => people.filter(({ device }) => device === undefined));
  }

  get victims(): readonly (SoakRelay | SoakHost)[] {
    return [this.relay, ...this.hosts];
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
    await this.relay.start();
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

  /** Ends all processes. */
  async end(): Promise<void> {
    for (const victim of this.victims) {
      if (victim.lives === 0) continue;
      victim.continue();
      await victim.process.kill();
    }
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
  }

  /** Takes the disks away, and leaves their files in the folder, with what clients logged last. */
  keep(): void {
    for (const { name, log } of this.hosts) writeFileSync(join(this.folder, `${name}.txt`), `${log.join('\n')}\n`);
    for (const disk of [this.disks.relay, this.disks.host]) {
      disk?.free();
      disk?.keep();
    }
  }

  /** Removes the folder and its disks. */
  clear(): void {
    this.disks.relay?.unmount();
    this.disks.host?.unmount();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function person(number: number): Person {
  return { name: `p${number}`, phone: `+1415555${String(number).padStart(4, '0')}` };
}
