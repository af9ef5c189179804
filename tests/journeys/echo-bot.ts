import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Watch } from '../led/watch.ts';

const program = fileURLToPath(new URL('../../examples/echo-bot/src/main.ts', import.meta.url));

/** The echo bot as its own process, which can be killed and started again on the same data. */
export class EchoBot implements AsyncDisposable {
  readonly #args: readonly string[];
  readonly #watch = new Watch();
  #child: ChildProcess | undefined;
  #output = '';

  constructor(relay: string, data: string, phone: string) {
    this.#args = ['--relay', relay, '--data', data, '--phone', phone];
  }

  start(): void {
    const child = spawn(process.execPath, ['--conditions=sotto-source', program, ...this.#args], { stdio: 'pipe' });
    const hear = (text: string) => {
      this.#output += text;
      this.#watch.changed();
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    this.#child = child;
    this.#output = '';
  }

  /** Resolves when it has written this. */
  says(text: string): Promise<void> {
    return this.#watch.until(() => this.#output.includes(text));
  }

  type(line: string): void {
    this.#child?.stdin?.write(`${line}\n`);
  }

  /** SIGKILL: no goodbye. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
