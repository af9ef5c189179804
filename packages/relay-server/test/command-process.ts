import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const bin = join(import.meta.dirname, '..', 'src', 'bin.ts');

/** The `sotto-relay` command as a process of its own. */
export class CommandProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  #out = '';
  #err = '';

  constructor(...args: readonly string[]) {
    const child = spawn(process.execPath, ['--conditions=sotto-source', bin, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#err += text;
    });
    this.#exited = once(child, 'close').then(([status]) => status);
  }

  /** What it wrote to its standard output so far. */
  get out(): string {
    return this.#out;
  }

  /** What it wrote to its standard error so far. */
  get err(): string {
    return this.#err;
  }

  /** Its status, when it has ended. */
  get exited(): Promise<number | null> {
    return this.#exited;
  }

  /** Where it listens, once it does. */
  async url(): Promise<string> {
    for (;;) {
      const url = /listens on (\S+)/.exec(this.#out)?.[1];
      if (url !== undefined) return url;
      const more = once(this.#child.stdout ?? this.#child, 'data');
      const status = await Promise.race([more.then(() => undefined), this.#exited]);
      if (status !== undefined) throw new Error(`the relay has ended with ${status}: ${this.#err}`);
    }
  }

  async end(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.#exited;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
