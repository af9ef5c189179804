import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

// The command stands beside the package's entry, built or not: `dist/bin.js`, or `src/bin.ts` with the condition for sources.
const entry = fileURLToPath(import.meta.resolve('@sotto/relay-server'));
const command = join(dirname(entry), `bin${extname(entry)}`);

/** The `sotto-relay` command as anyone would run it, with a data folder on disk. */
export class RelayProcess implements AsyncDisposable {
  readonly url: string;
  private readonly child: ChildProcess;
  private readonly codes: Map<string, string>;

  /** Resolves when it listens. */
  static async start(data: string): Promise<RelayProcess> {
    const child = spawn(process.execPath, [...childArguments(), command, '--data', data, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
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

  async [Symbol.asyncDispose](): Promise<void> {
    await endChild(this.child);
  }
}

/** What a child of this process needs to find the same sources; a profiler given to this process is for this one alone. */
export function childArguments(): readonly string[] {
  return process.execArgv.filter((argument) => argument.startsWith('--conditions='));
}

/** Ends a child with SIGTERM; resolves when it is gone. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
