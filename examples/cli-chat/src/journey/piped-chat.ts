import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/** What does not come by then is told with what came instead. */
const patienceMs = 15_000;

/** A chat that is led by pipes. */
export class PipedChat {
  /** What it printed. */
  printed = '';
  /** What it said beside that. */
  said = '';
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly ended: Promise<unknown[]>;
  private waiters: (() => void)[] = [];

  constructor([program, ...args]: readonly [string, ...string[]]) {
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.ended = once(this.child, 'close');
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.printed += text;
      this.changed();
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.said += text;
      this.changed();
    });
    this.child.on('close', () => this.changed());
  }

  write(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  /** Resolves once it has printed or said something. */
  async tells(wanted: RegExp): Promise<void> {
    const given = AbortSignal.timeout(patienceMs);
    while (!wanted.test(this.printed) && !wanted.test(this.said)) {
      if (given.aborted || this.child.exitCode !== null) {
        throw new Error(`the chat does not tell ${wanted}, but:\n${this.printed}\n${this.said}`);
      }
      await new Promise<void>((resolve) => {
        given.addEventListener('abort', () => resolve(), { once: true });
        this.waiters.push(resolve);
      });
    }
  }

  /** Ends what it reads. @returns its exit code, once all of its output is here */
  async end(): Promise<unknown> {
    this.child.stdin.end();
    const [code] = await this.ended;
    return code;
  }

  /** Harmless when it has ended. */
  async kill(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.ended;
  }

  private changed(): void {
    const { waiters } = this;
    this.waiters = [];
    for (const wake of waiters) wake();
  }
}
