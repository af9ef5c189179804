import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

const bin = join(
  dirname(createRequire(import.meta.url).resolve('@sotto/relay-server/package.json')),
  'bin',
  'sotto-relay.js',
);

/** A file of thousands of lines is no conversation: nobody writes that fast to a friend. */
const wideLimits = { SOTTO_LIMITS_SENDS_TO_CONTACT_BURST: '100000', SOTTO_LIMITS_SENDS_PER_DEVICE_BURST: '100000' };

/** The relay as anyone would run it: the `sotto-relay` command with a data folder. It can be killed and started again at the same address. */
export class RelayProcess {
  url = '';
  private readonly data: string;
  private child: ChildProcess | undefined;
  private readonly codes = new Map<string, string>();
  private readonly codeWaiters = new Map<string, (code: string) => void>();

  constructor(data: string) {
    this.data = data;
  }

  /** Starts it; resolves when it listens. */
  async start(): Promise<void> {
    const port = this.url === '' ? '0' : new URL(this.url).port;
    const child = spawn(process.execPath, [bin, '--data', this.data, '--port', port], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...wideLimits },
    });
    this.child = child;
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (status) => reject(new Error(`the relay ended with ${status}: ${complaint.trim()}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const listens = /listens on (\S+)/.exec(line);
        const code = /verification code for (\S+): (\d+)/.exec(line);
        if (listens?.[1] !== undefined) {
          this.url = listens[1];
          resolve();
        }
        if (code?.[1] !== undefined && code[2] !== undefined) this.tell(code[1], code[2]);
      });
    });
  }

  /** SIGKILL: no goodbye, no flush. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** SIGTERM: it drains. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** The verification code that was sent to a number: a development relay prints it. */
  codeFor(number: string): Promise<string> {
    const known = this.codes.get(number);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => this.codeWaiters.set(number, resolve));
  }

  private tell(number: string, code: string): void {
    this.codes.set(number, code);
    this.codeWaiters.get(number)?.(code);
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    child.removeAllListeners('exit');
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}
