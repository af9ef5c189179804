import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Engines } from '../../packages/relay-server/test/engines.ts';
import { FaultProxy, type NetworkFault } from '../network/fault-proxy.ts';
import { SmallDisk } from './small-disk.ts';

/** What the engines of a soak are, and where. */
export interface SoakEnginesParts {
  /** For configuration, data, logs and addresses. */
  readonly folder: string;
  readonly brokers: 1 | 3;
  readonly nodes: 1 | 3;
  readonly ports: number;
  /** They are there already, brought up with `--proxied`, and stay. */
  readonly areGiven: boolean;
  /** What brings them up and down, harms them and mends them: `scripts/engines/main.ts` unless said otherwise. */
  readonly program?: string;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** As the file of engines that were brought up with `--proxied` has them: clients reach them through the proxies. */
type Addresses = Engines & {
  readonly proxies: readonly { readonly member: string; readonly listen: Place; readonly target: Place }[];
};

/** One process of an engine. */
interface Member {
  readonly name: string;
  readonly proxy: FaultProxy;
  readonly target: Place;
}

const engineProgram = join(import.meta.dirname, '..', '..', 'scripts', 'engines', 'main.ts');
/** Bringing one up again takes so long at most: a Cassandra that reads its log on a busy machine. */
const upMs = 6 * 60_000;
const diskMebibytes = 1_024;

/** Real Kafka, Cassandra, Redis and S3 of one run, each process behind a proxy of its own: killed, stopped, cut off, filled up, wiped. Nothing is sent to a process that was not started for this. */
export class SoakEngines {
  /** In their data folders, where mounting is possible, by the names of processes. */
  readonly disks: ReadonlyMap<string, SmallDisk>;
  readonly addresses: Engines;
  readonly #parts: SoakEnginesParts;
  readonly #members: readonly Member[];
  readonly #dead = new Set<string>();
  readonly #paused = new Set<string>();
  readonly #ending = new AbortController();

  private constructor(parts: SoakEnginesParts, disks: ReadonlyMap<string, SmallDisk>, read: Addresses) {
    const { proxies, ...addresses } = read;
    this.#parts = parts;
    this.disks = disks;
    this.addresses = addresses;
    this.#members = proxies.map(({ member, listen, target }) => ({
      name: member,
      target,
      proxy: new FaultProxy(() => target.port, { ...listen, targetHost: target.host }),
    }));
  }

  /**
   * Brings them up.
   * @param watch.signal ends that: they are brought down again
   * @throws when they are not all there
   */
  static async up(
    parts: SoakEnginesParts,
    { say, signal }: { readonly say: (line: string) => void; readonly signal: AbortSignal },
  ): Promise<SoakEngines> {
    const { folder, brokers, nodes, ports, areGiven } = parts;
    const disks = new Map<string, SmallDisk>();
    if (!areGiven) {
      for (const name of [`kafka-${brokers}`, `cassandra-${nodes}`, 's3']) {
        const path = join(folder, 'data', name);
        mkdirSync(path, { recursive: true, mode: 0o700 });
        const disk = SmallDisk.mount(path, diskMebibytes);
        if (disk !== undefined) disks.set(name, disk);
      }
    }
    try {
      if (!areGiven) {
        say('soak: bringing the engines up, which takes minutes');
        const shape = ['--brokers', `${brokers}`, '--nodes', `${nodes}`, '--ports', `${ports}`, '--proxied'];
        await run(parts, ['up', ...shape], signal);
      }
      const read: Addresses = JSON.parse(readFileSync(join(folder, 'engines.json'), 'utf8'));
      if (read.proxies === undefined) throw new Error(`the engines of ${folder} were brought up without --proxied`);
      const engines = new SoakEngines(parts, disks, read);
      for (const { proxy } of engines.#members) await proxy.listen();
      return engines;
    } catch (error) {
      if (!areGiven) await run(parts, ['down']).catch(() => undefined);
      for (const disk of disks.values()) disk.unmount();
      throw error;
    }
  }

  /** Their processes, as `kafka-2`. */
  get names(): readonly string[] {
    return this.#members.map(({ name }) => name);
  }

  /** SIGKILL. */
  async kill(name: string): Promise<void> {
    this.#dead.add(name);
    // A full disk may have ended it already.
    await this.#run(['kill', name]).catch(() => undefined);
  }

  /** Starts what of its engine does not run, and waits until all of it answers. */
  async revive(name: string): Promise<void> {
    await this.#run(['up', '--only', name.replace(/-\d$/, '')]);
    this.#dead.delete(name);
  }

  async pause(name: string): Promise<void> {
    this.#paused.add(name);
    await this.#run(['pause', name]);
  }

  async resume(name: string): Promise<void> {
    await this.#run(['resume', name]);
    this.#paused.delete(name);
  }

  /** What the way to it does from now on. */
  async cut(name: string, fault: NetworkFault): Promise<void> {
    await this.#member(name).proxy.set(fault);
  }

  /** FLUSHALL: everything in Redis is gone. */
  async wipeRedis(): Promise<void> {
    const { password } = new URL(this.addresses.redis.url);
    const { host, port } = this.#member('redis').target;
    const socket = connect(port, host);
    try {
      socket.write(`AUTH ${password}\r\nFLUSHALL\r\n`);
      let answer = '';
      while (answer.split('\r\n').length < 3) answer += String((await once(socket, 'data'))[0]);
      if (answer !== '+OK\r\n+OK\r\n') throw new Error(`Redis does not let itself be wiped: ${answer}`);
    } finally {
      socket.destroy();
    }
  }

  /** Ends all faults. */
  async heal(): Promise<void> {
    for (const { proxy } of this.#members) await proxy.set('pass');
    for (const disk of this.disks.values()) disk.free();
    for (const name of [...this.#paused]) await this.resume(name);
    for (const name of [...this.#dead]) await this.revive(name);
  }

  /** Ends them, and what is being done to them; their logs stay in the folder. Those that were given stay, and go on where they were stopped; one that was killed is named. */
  async end(): Promise<void> {
    this.#ending.abort(new Error('the engines of the soak have ended'));
    for (const { proxy } of this.#members) await proxy.close();
    if (this.#parts.areGiven) {
      for (const name of this.#paused) await run(this.#parts, ['resume', name]);
      for (const name of this.#dead) console.error(`soak: ${name} was killed, and was not started again`);
      return;
    }
    await run(this.#parts, ['down']);
    for (const disk of this.disks.values()) disk.unmount();
    rmSync(join(this.#parts.folder, 'data'), { recursive: true, force: true });
  }

  #run(args: readonly string[]): Promise<void> {
    return run(this.#parts, args, this.#ending.signal);
  }

  #member(name: string): Member {
    const member = this.#members.find((one) => one.name === name);
    if (member === undefined) throw new Error(`there is no ${name}`);
    return member;
  }
}

/**
 * @param signal ends it by SIGTERM: what it has started and written down goes on
 * @throws with what it said, unless it ended well
 */
async function run(
  { folder, program = engineProgram }: Pick<SoakEnginesParts, 'folder' | 'program'>,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const child = spawn(process.execPath, [program, ...args, '--folder', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: upMs,
    ...(signal && { signal }),
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => said.push(text));
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  // Not before it is gone: what comes next finds what it has left.
  const [status, killedBy] = await new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('close', (...ended) => resolve(ended));
  });
  if (existsSync(folder)) appendFileSync(join(folder, 'soak.log'), `${new Date().toISOString()} ${said.join('')}`);
  if (failure !== undefined) throw failure;
  if (status !== 0) throw new Error(`engines ${args.join(' ')} ended with ${status ?? killedBy}: ${said.join('')}`);
}
