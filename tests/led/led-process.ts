import { type ChildProcess, fork } from 'node:child_process';
import type { Calls, Question, Saying } from './calls.ts';
import { compiledCode } from './compiled-code.ts';

/** How a process came to its end. */
export interface Ending {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A call failed in the other process; `code` is that of the error there. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** So much of what a process writes is kept, in characters. */
const keptLength = 256 * 1024;

/** A real process that runs one of the programs beside this file from its source, and is asked over IPC. */
export class LedProcess<Asked extends Calls, Report> {
  /** Resolves when the process is gone and all of its output was read. */
  readonly ended: Promise<Ending>;
  /** What it wrote so far; of much, the last. */
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #onEnd: (() => void)[] = [];
  readonly #open = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #asked = 0;

  /** @param onOutput told of all that it writes, as it comes */
  constructor(
    file: string,
    args: readonly string[],
    onReport: (report: Report) => void,
    onOutput: (text: string) => void = () => undefined,
  ) {
    this.#child = fork(file, args, {
      execArgv: ['--conditions=sotto-source'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, NODE_COMPILE_CACHE: compiledCode },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout = (this.stdout + text).slice(-keptLength);
      onOutput(text);
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-keptLength);
      onOutput(text);
    });
    this.#child.on('message', (saying: Saying) => {
      if ('report' in saying) onReport(saying.report as Report);
      else this.#answered(saying);
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (status, signal) => {
        const gone = new CallError('process-ended', `the process ended with ${status ?? signal}: ${this.stderr}`);
        for (const { reject } of this.#open.values()) reject(gone);
        this.#open.clear();
        resolve({ status, signal });
        for (const tell of this.#onEnd) tell();
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Calls this when the process is gone. */
  onEnd(tell: () => void): void {
    this.#onEnd.push(tell);
  }

  /**
   * Asks the process.
   * @throws {CallError} what failed there; `process-ended` when it died before it answered
   */
  call<Name extends keyof Asked & string>(name: Name, arg: Asked[Name]['arg']): Promise<Asked[Name]['value']> {
    return new Promise((resolve, reject) => {
      const call = ++this.#asked;
      this.#open.set(call, { resolve, reject });
      this.#child.send({ call, name, arg } satisfies Question, (error) => {
        if (error === null || !this.#open.delete(call)) return;
        reject(new CallError('process-ended', 'the process could not be asked: it is gone'));
      });
    });
  }

  /** SIGKILL: no goodbye, no flush. */
  kill(): Promise<Ending> {
    return this.signal('SIGKILL');
  }

  signal(signal: NodeJS.Signals): Promise<Ending> {
    if (this.isRunning) this.#child.kill(signal);
    return this.ended;
  }

  #answered(saying: Exclude<Saying, { report: unknown }>): void {
    const open = this.#open.get(saying.answer);
    this.#open.delete(saying.answer);
    if ('error' in saying) open?.reject(new CallError(saying.error.code, saying.error.message));
    else open?.resolve(saying.value as never);
  }
}
