import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Calls } from '../led/calls.ts';
import { type FatalStep, lastWords } from '../led/fatal-tracer.ts';
import { CallError, type LedProcess } from '../led/led-process.ts';

/** What every process of a soak can be asked for. */
type VictimCalls = Calls & {
  readonly arm: { readonly arg: readonly FatalStep[]; readonly value: undefined };
  readonly setClock: { readonly arg: number; readonly value: undefined };
};

const stepWaitMs = 8_000;
/** A process that answers nothing for so long is stuck, whatever it is busy with. */
/** Whoever can't start for so long never will. */
const longestStartMs = 180_000;
const silentMs = 120_000;

/** A process that is killed, stopped and started again. */
export abstract class Victim<Asked extends VictimCalls, Report> {
  abstract readonly side: 'client' | 'relay';
  abstract readonly name: string;
  aheadMs = 0;
  lives = 0;
  kills = 0;
  /** Ends that nobody had asked for: what the process wrote last. */
  readonly unasked: string[] = [];
  /** While its disk is full a process may end at its start. */
  mayFail = false;
  /** How often it could not start, and said that it may later. */
  lateStarts = 0;
  #process: LedProcess<Asked, Report> | undefined;
  #isStopped = false;
  #isOver = false;
  #turn: Promise<unknown> = Promise.resolve();

  protected abstract launch(fatal: readonly FatalStep[]): LedProcess<Asked, Report>;
  /** Resolves when it does its work. */
  protected abstract ready(process: LedProcess<Asked, Report>): Promise<void>;

  /** Whether a process that did not start said that it may later: what it stands on is not there. */
  protected mayStartLater(_process: LedProcess<Asked, Report>): boolean {
    return false;
  }

  get process(): LedProcess<Asked, Report> {
    if (this.#process === undefined) throw new Error(`${this.name} was not started`);
    return this.#process;
  }

  /** Starts it; again and again while its disk may be full. */
  async start(fatal: readonly FatalStep[] = []): Promise<void> {
    const latest = performance.now() + longestStartMs;
    for (;;) {
      if (this.#isOver) throw new Error(`${this.name} has ended for good`);
      const mightFail = this.mayFail;
      this.lives++;
      const process = this.launch(fatal);
      this.#process = process;
      this.#isStopped = false;
      try {
        await this.ready(process);
        return;
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        const { signal } = await process.ended;
        // It was armed, and met its step on the way.
        if (signal === 'SIGKILL') return;
        const isEarly = this.mayStartLater(process) && performance.now() < latest;
        if (isEarly) this.lateStarts++;
        else if (!mightFail && !this.mayFail) throw new Error(`${this.name} does not start: ${process.stderr}`);
        await new Promise((resolve) => setTimeout(resolve, isEarly ? 1_000 : 100));
      }
    }
  }

  /** Lets nobody else kill, stop or start it meanwhile. */
  async alone<Value>(act: () => Promise<Value>): Promise<Value> {
    const turn = this.#turn.then(act, act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** SIGKILL, and no new start: whoever is at it, or comes later, fails. */
  async end(): Promise<void> {
    this.#isOver = true;
    if (this.#process === undefined) return;
    this.continue();
    await this.#process.kill();
  }

  /** SIGKILL, and a new start. */
  async kill(): Promise<void> {
    await this.#reviveIfDead();
    await this.process.kill();
    this.kills++;
    await this.start();
  }

  /** Has it end at one of several steps, given something that leads there; at which it did. */
  async killAt(fatal: readonly FatalStep[], provoke: () => Promise<void>): Promise<string | undefined> {
    await this.#reviveIfDead();
    const { process } = this;
    await this.#arm(process, fatal);
    // A failure of what leads there is a problem of the run, and not its end.
    const provoked = ignoringEnd(provoke()).catch((error: unknown) => {
      this.unasked.push(`${this.name} was not led to ${fatal.map(({ step }) => step).join(', ')}: ${error}`);
    });
    // What was to lead there goes on by itself.
    if (!(await endedWithin(process, stepWaitMs)) && (await this.#disarmed(process))) return undefined;
    const hit = await this.#startAfter(process, fatal);
    // What led there may wait for this process; and for others, which is not waited for here.
    await Promise.race([provoked, pause(stepWaitMs, undefined, { ref: false })]);
    return hit;
  }

  /** Kills it, and has its next life end at one of several steps on its way; at which it did. */
  async killAtStart(fatal: readonly FatalStep[]): Promise<string | undefined> {
    await this.#reviveIfDead();
    await this.process.kill();
    this.kills++;
    await this.start(fatal);
    const { process } = this;
    if (!(await endedWithin(process, stepWaitMs)) && (await this.#disarmed(process))) return undefined;
    return this.#startAfter(process, fatal);
  }

  /** Takes back what was armed: whether the process says so. One that gives no answer met its step just before, although it may not be seen to have ended yet: its channel closes first. */
  #disarmed(process: LedProcess<Asked, Report>): Promise<boolean> {
    return this.#arm(process, []);
  }

  /** Whether it says that it is armed; one that is stuck is ended, and that is a problem of the run. */
  async #arm(process: LedProcess<Asked, Report>, fatal: readonly FatalStep[]): Promise<boolean> {
    const armed = ignoringEnd(process.call('arm', fatal));
    while (!(await endedWithin({ ended: armed }, silentMs))) {
      if (this.#isStopped) continue;
      this.unasked.push(`${this.name} ran and gave no answer for ${silentMs / 1000} s`);
      await process.kill();
    }
    return armed;
  }

  /** Starts it anew after its end; at which step that was. */
  async #startAfter(process: LedProcess<Asked, Report>, fatal: readonly FatalStep[]): Promise<string | undefined> {
    await process.ended;
    const hit = fatal.find((each) => process.stdout.includes(lastWords(each)));
    if (hit === undefined) {
      await this.#reviveIfDead();
    } else {
      this.kills++;
      await this.start();
    }
    return hit?.step;
  }

  /** Whether it runs and is not stopped: then it answers. */
  get isAwake(): boolean {
    return this.process.isRunning && !this.#isStopped;
  }

  stop(): void {
    this.#isStopped = this.#send('SIGSTOP');
  }

  continue(): void {
    if (this.#isStopped) this.#send('SIGCONT');
    this.#isStopped = false;
  }

  async setClock(aheadMs: number): Promise<void> {
    this.aheadMs = aheadMs;
    await ignoringEnd(this.process.call('setClock', aheadMs));
  }

  /** Takes back what was armed. */
  async disarm(): Promise<void> {
    await this.#arm(this.process, []);
  }

  /** Starts it anew when it ended by itself, and notes that. */
  async revive(): Promise<void> {
    await this.#reviveIfDead();
  }

  /** Its memory, in MiB. */
  memory(): number {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  }

  async #reviveIfDead(): Promise<void> {
    if (this.process.isRunning) return;
    const { status, signal } = await this.process.ended;
    if (!this.mayFail) this.unasked.push(`${this.name} ended with ${status ?? signal}: ${this.process.stderr}`);
    await this.start();
  }

  #send(signal: NodeJS.Signals): boolean {
    const { pid, isRunning } = this.process;
    return pid !== undefined && isRunning && process.kill(pid, signal);
  }
}

/** A process that is killed while it is asked gives no answer; whether it gave one. */
export async function ignoringEnd(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (!(error instanceof CallError) || error.code !== 'process-ended') throw error;
    return false;
  }
}

/** Whether a process ended before so many milliseconds were over. */
async function endedWithin(process: { readonly ended: Promise<unknown> }, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const isOver = await Promise.race([process.ended.then(() => true), late]);
  clearTimeout(timer);
  return isOver;
}
