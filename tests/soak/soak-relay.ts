import { join } from 'node:path';
import { loadConfig } from '@sotto/relay-server';
import type { FatalStep } from '../led/fatal-tracer.ts';
import { LedProcess } from '../led/led-process.ts';
import type { RelayStart, SentCode, SoakRelayCalls } from './relay-start.ts';
import { Victim } from './victim.ts';

const program = join(import.meta.dirname, 'relay-child.ts');
const generous = { burst: 1_000_000, refillMs: 1 };
/** A mailbox that is full keeps out what comes for this device, and its owner's others get it: what is left out so is not lost by a fault. */
const roomy = { quotaCount: 1_000_000, strangerQuotaCount: 1_000_000, strangerQuotaBytes: 512 * 1024 * 1024 };

/** The relay of a soak: a process that is killed and started again on its data, at its port. */
export class SoakRelay extends Victim<SoakRelayCalls, SentCode> {
  readonly side = 'relay';
  readonly name = 'relay';
  port = 0;
  readonly #codes = new Map<string, string>();
  readonly #waiting = new Map<string, (code: string) => void>();
  readonly #config: object;
  readonly #planted: string | undefined;

  constructor(parts: { readonly data: string; readonly paced: boolean; readonly planted: string | undefined }) {
    super();
    const { limits } = loadConfig({});
    this.#config = {
      data: parts.data,
      logLevel: 'silent',
      codes: { resendAfterMs: 0 },
      mailbox: roomy,
      ...(parts.paced ? {} : { limits: Object.fromEntries(Object.keys(limits).map((name) => [name, generous])) }),
    };
    this.#planted = parts.planted;
  }

  /** The code that was sent to a number last. */
  codeFor(phone: string): Promise<string> {
    const known = this.#codes.get(phone);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => this.#waiting.set(phone, resolve));
  }

  protected override launch(fatal: readonly FatalStep[]): LedProcess<SoakRelayCalls, SentCode> {
    const start: RelayStart = {
      config: { ...this.#config, port: this.port },
      aheadMs: this.aheadMs,
      fatal,
      planted: this.#planted,
    };
    return new LedProcess(program, [JSON.stringify(start)], ({ number, code }) => {
      this.#codes.set(number, code);
      this.#waiting.get(number)?.(code);
    });
  }

  protected override async ready(process: LedProcess<SoakRelayCalls, SentCode>): Promise<void> {
    this.port = Number(new URL((await process.call('start', undefined)).url).port);
  }
}
