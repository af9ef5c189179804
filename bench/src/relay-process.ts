import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '@sotto/relay-server';

// The command stands beside the package's entry, built or not: `dist/bin.js`, or `src/bin.ts` with the condition for sources.
const entry = fileURLToPath(import.meta.resolve('@sotto/relay-server'));
/** The `sotto-relay` command. */
export const relayCommand = join(dirname(entry), `bin${extname(entry)}`);

/** How a relay is started. */
export interface RelayProcessOptions {
  /** `lifted`: whatever limits senders and addresses is set so high that one machine can be the load of many. */
  readonly limits?: 'lifted';
  /** More settings, as in a config file. */
  readonly config?: object;
  /** For Node itself. */
  readonly nodeArguments?: readonly string[];
}

/** The `sotto-relay` command as anyone would run it, with a data folder on disk. */
export class RelayProcess implements AsyncDisposable {
  readonly url: string;
  private readonly child: ChildProcess;
  private readonly codes: Map<string, string>;

  /** Resolves when it listens. */
  static async start(data: string, options: RelayProcessOptions = {}): Promise<RelayProcess> {
    const config = join(data, 'bench.json');
    writeFileSync(config, JSON.stringify({ ...(options.limits === 'lifted' && liftedLimits()), ...options.config }));
    const child = spawn(
      process.execPath,
      [
        ...childArguments(),
        ...(options.nodeArguments ?? []),
        relayCommand,
        ...['--config', config, '--data', data, '--port', '0'],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-2_000);
    });
    const codes = new Map<string, string>();
    const url = await new Promise<string>((resolve, reject) => {
      child.once('exit', (status) => reject(new Error(`the relay ended with ${status}: ${complaint.trim()}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const listens = /listens on (\S+)/.exec(line);
        const code = /verification code for (\S+): (\d+)/.exec(line);
        if (listens?.[1] !== undefined) resolve(listens[1]);
        if (code?.[1] !== undefined && code[2] !== undefined) codes.set(code[1], code[2]);
      });
    });
    return new RelayProcess(url, child, codes);
  }

  private constructor(url: string, child: ChildProcess, codes: Map<string, string>) {
    this.url = url;
    this.child = child;
    this.codes = codes;
  }

  /** The verification code that was sent to a number: a development relay prints it. */
  async codeFor(number: string): Promise<string> {
    for (;;) {
      const code = this.codes.get(number);
      if (code !== undefined) return code;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Its process id. */
  get pid(): number {
    return pidOf(this.child);
  }

  /** The sum of a counter that it exports. */
  async counted(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`the relay does not count ${name}`);
    return Number(value);
  }

  /**
   * Resolves when a counter has come to this: what was asked for last may still be on its way.
   * @throws {Error} when it goes beyond, or gets no further
   */
  async untilCounted(name: string, count: number): Promise<void> {
    const latest = performance.now() + 10_000;
    for (;;) {
      const counted = await this.counted(name);
      if (counted === count) return;
      if (counted > count || performance.now() > latest) throw new Error(`${name} is ${counted}, and not ${count}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endChild(this.child);
  }
}

/** What a child of this process needs to find the same sources; a profiler given to this process is for this one alone. */
export function childArguments(): readonly string[] {
  return process.execArgv.filter((argument) => argument.startsWith('--conditions='));
}

/** The id of a child that was started. */
export function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the process did not start');
  return child.pid;
}

function liftedLimits(): object {
  const { limits, connections } = loadConfig();
  return {
    limits: Object.fromEntries(Object.keys(limits).map((name) => [name, { burst: 1_000_000_000, refillMs: 1 }])),
    connections: { ...connections, perAddress: 1_000_000 },
  };
}

/** Ends a child with SIGTERM; resolves when it is gone. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
