import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { loadConfig } from '@sotto/relay-server';
import type { FatalStep } from '../led/fatal-tracer.ts';
import { CallError, LedProcess } from '../led/led-process.ts';
import { NodeLog } from './node-log.ts';
import type { RelayStart, SentCode, SoakRelayCalls } from './relay-start.ts';
import type { SentCodes } from './sent-codes.ts';
import { Victim } from './victim.ts';

const program = join(import.meta.dirname, 'relay-child.ts');
/** A node drains its streams, hands its partitions over and closes its connections, each for some seconds. */
const longestLeaveMs = 60_000;
const generous = { burst: 1_000_000, refillMs: 1 };
/** A mailbox that is full keeps out what comes for this device, and its owner's others get it: what is left out so is not lost by a fault. */
const roomy = { quotaCount: 1_000_000, strangerQuotaCount: 1_000_000, strangerQuotaBytes: 512 * 1024 * 1024 };

/** What one relay process of a soak is. */
export interface SoakRelayParts {
  readonly name: string;
  readonly kind: RelayStart['kind'];
  /** As in a config file: what is not alike in all soaks. */
  readonly config: object;
  readonly paced: boolean;
  readonly planted: string | undefined;
  readonly codes: SentCodes;
  /** A folder: what it writes stands there, under its name. */
  readonly logs: string;
}

/** A relay process of a soak, which is killed and started again on its data, at its port. */
export class SoakRelay extends Victim<SoakRelayCalls, SentCode> {
  readonly side = 'relay';
  readonly name: string;
  port = 0;
  readonly #config: object;
  readonly #parts: SoakRelayParts;
  #isServing = false;
  readonly #log: NodeLog;

  constructor(parts: SoakRelayParts) {
    super();
    this.name = parts.name;
    this.#parts = parts;
    this.#log = new NodeLog({ folder: parts.logs, name: parts.name });
    const { limits } = loadConfig({});
    this.#config = {
      ...parts.config,
      logLevel: parts.kind === 'cluster' ? 'warn' : 'silent',
      codes: { resendAfterMs: 0 },
      mailbox: roomy,
      ...(parts.paced ? {} : { limits: Object.fromEntries(Object.keys(limits).map((name) => [name, generous])) }),
    };
  }

  /** Whether connections may be led to it: it runs, as far as anybody has noticed. */
  get isServing(): boolean {
    return this.#isServing && this.lives > 0 && this.process.isRunning;
  }

  /** Has it end by itself: it gives up what it has, and lets go of its connections. */
  async leave(): Promise<void> {
    this.#isServing = false;
    const { process } = this;
    const late = pause(longestLeaveMs, 'late' as const, { ref: false });
    try {
      const asked = process.call('stop', undefined).then(() => process.ended);
      if ((await Promise.race([asked, late])) !== 'late') return;
      this.unasked.push(`${this.name} does not stop within ${longestLeaveMs / 1_000} s`);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      // Its channel closes before its answer is read.
      if (error.code === 'process-ended' && (await process.ended).status === 0) return;
      this.unasked.push(`${this.name} does not stop: ${error.message}`);
    }
    await process.kill();
  }

  /** A node without an engine ends, and its supervisor starts it again. */
  protected override mayStartLater({ stderr }: LedProcess<SoakRelayCalls, SentCode>): boolean {
    return this.#parts.kind === 'cluster' && stderr.includes("code: 'store-unavailable'");
  }

  protected override launch(fatal: readonly FatalStep[]): LedProcess<SoakRelayCalls, SentCode> {
    const start: RelayStart = {
      kind: this.#parts.kind,
      config: { ...this.#config, port: this.port },
      aheadMs: this.aheadMs,
      fatal,
      planted: this.#parts.planted,
    };
    const note = ({ number, code }: SentCode) => this.#parts.codes.note(number, code);
    this.#log.write(`--- life ${this.lives}, from ${new Date().toISOString()} on\n`);
    const write = (text: string) => this.#log.write(text);
    return new LedProcess<SoakRelayCalls, SentCode>(program, [JSON.stringify(start)], note, write);
  }

  protected override async ready(process: LedProcess<SoakRelayCalls, SentCode>): Promise<void> {
    this.#isServing = false;
    this.port = Number(new URL((await process.call('start', undefined)).url).port);
    this.#isServing = true;
  }
}
