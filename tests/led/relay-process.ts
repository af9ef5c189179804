import { join } from 'node:path';
import { type Ending, LedProcess } from './led-process.ts';
import type { LeftOver } from './left-over.ts';
import type { RelayCalls, RelayReport } from './relay-calls.ts';
import type { Watch } from './watch.ts';

const program = join(import.meta.dirname, 'relay-child.ts');

/** A relay that can be killed and started again at the same address, on the same data. */
export class RelayProcess {
  url = '';
  /** Every code that was sent, in order: each is an SMS. */
  readonly codes: RelayReport[] = [];
  readonly #watch: Watch;
  readonly #config: object;
  #process: LedProcess<RelayCalls, RelayReport> | undefined;

  /** @param config as in a config file */
  constructor(data: string, watch: Watch, config: object = {}) {
    this.#watch = watch;
    this.#config = { data, logLevel: 'silent', ...config };
  }

  get process(): LedProcess<RelayCalls, RelayReport> {
    if (this.#process === undefined) throw new Error('the relay was not started');
    return this.#process;
  }

  /** Starts it; resolves when it listens. */
  async start(): Promise<void> {
    const port = this.url === '' ? 0 : Number(new URL(this.url).port);
    const config = JSON.stringify({ ...this.#config, port });
    this.#process = new LedProcess(program, [config], (report) => {
      this.codes.push(report);
      this.#watch.changed();
    });
    this.#process.onEnd(() => this.#watch.changed());
    this.url = (await this.#process.call('start', undefined)).url;
  }

  kill(): Promise<Ending> {
    return this.process.kill();
  }

  /** Lets it drain and end by itself. */
  async stop(): Promise<{ readonly left: LeftOver; readonly ending: Ending }> {
    const left = await this.process.call('stop', undefined);
    return { left, ending: await this.process.ended };
  }

  /** How many codes went to a number. */
  sentTo(number: string): number {
    return this.codes.filter((sent) => sent.number === number).length;
  }

  /** The last code that went to a number. */
  async codeFor(number: string): Promise<string> {
    await this.#watch.until(() => this.sentTo(number) > 0);
    return this.codes.findLast((sent) => sent.number === number)?.code ?? '';
  }
}
