import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import type { EngineShape } from './engine-shape.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** What a folder is made with, once: its data and its clients depend on it until it is wiped. */
export interface FolderMade {
  readonly shape: EngineShape;
  readonly kafkaClusterId: string;
  /** Of the one user of the listeners that ask for one. */
  readonly kafkaPassword: string;
  /** Of the file with the key of their TLS. */
  readonly kafkaStorePassword: string;
  readonly redisPassword: string;
  readonly s3AccessKeyId: string;
  readonly s3SecretAccessKey: string;
}

/** A process that was started, by the name of its member. */
export type StartedProcesses = Readonly<Record<string, ProcessIdentity>>;

/** The files of a folder of engines. What holds a secret is for its owner only. */
export class EngineFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Where clients read what listens where: `Engines` of packages/relay-server/test/engines.ts. */
  get addresses(): string {
    return join(this.path, 'engines.json');
  }

  get lock(): string {
    return join(this.path, 'lock');
  }

  config(file: string): string {
    return join(this.path, 'config', file);
  }

  data(member: string): string {
    return join(this.path, 'data', member);
  }

  log(name: string): string {
    return join(this.path, 'logs', `${name}.log`);
  }

  /** A path as somebody who stands in `from` would name it. */
  static shown(path: string, from: string): string {
    const near = relative(from, path);
    return near.startsWith('..') ? path : near;
  }

  /** Makes the folder and what is below, for its owner only. */
  make(): void {
    for (const name of ['', 'config', 'data', 'logs'])
      mkdirSync(join(this.path, name), { recursive: true, mode: 0o700 });
  }

  /** What the folder was made with; undefined before that. */
  made(): FolderMade | undefined {
    return this.#read('made.json');
  }

  started(): StartedProcesses {
    return this.#read<StartedProcesses>('processes.json') ?? {};
  }

  writeMade(made: FolderMade): void {
    writePrivately(join(this.path, 'made.json'), made);
  }

  writeStarted(processes: StartedProcesses): void {
    writePrivately(join(this.path, 'processes.json'), processes);
  }

  writeAddresses(addresses: object): void {
    writePrivately(this.addresses, addresses);
  }

  /** Which engines stand in engines.json. */
  addressed(): ReadonlySet<string> {
    return new Set(Object.keys(this.#read<object>('engines.json') ?? {}));
  }

  removeAddresses(): void {
    rmSync(this.addresses, { force: true });
  }

  wipeData(member: string): void {
    rmSync(this.data(member), { recursive: true, force: true });
  }

  /** After this the next `up` may make another shape. The configuration goes too: the key of Kafka's TLS opens with a password that is forgotten. */
  forgetMade(): void {
    rmSync(join(this.path, 'made.json'), { force: true });
    rmSync(join(this.path, 'config'), { recursive: true, force: true });
  }

  #read<T>(file: string): T | undefined {
    const path = join(this.path, file);
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  }
}

/** Where downloads are kept for every checkout of a user. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  const base = env.XDG_CACHE_HOME;
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'sotto-engines');
}

/** Whoever reads the file meanwhile sees the old one or the new one, whole. */
function writePrivately(path: string, content: object): void {
  const next = `${path}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(next, path);
}
