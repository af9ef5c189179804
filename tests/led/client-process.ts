import { join } from 'node:path';
import type { ClientCalls, ClientReport, Mark, Rest } from './client-calls.ts';
import { type Ending, LedProcess } from './led-process.ts';
import type { RelayProcess } from './relay-process.ts';
import type { Watch } from './watch.ts';

const program = join(import.meta.dirname, 'client-child.ts');

/** Somebody whose client is a process, which can be killed and started again on the same database. */
export class ClientProcess {
  readonly phone: string;
  userId = '';
  recoveryKey = '';
  /** Texts whose `send` resolved, in order. */
  sent: string[] = [];
  /** What its named consumer of events was told, over all its lives: `type about`. */
  readonly told = new Set<string>();
  /** Codes that it showed, to be let into an account. */
  readonly linkCodes: string[] = [];
  readonly log: string[] = [];
  connection = '';
  /** How far the device's clock is ahead. */
  clockAhead = 0;
  /** How many wrong codes are given before the right one. */
  wrongCodes = 0;
  mark: Mark = { cursor: undefined, changeSeq: 0 };
  readonly #relay: RelayProcess;
  readonly #database: string;
  readonly #watch: Watch;
  #process: LedProcess<ClientCalls, ClientReport> | undefined;

  constructor(
    phone: string,
    parts: { readonly relay: RelayProcess; readonly database: string; readonly watch: Watch },
  ) {
    this.phone = phone;
    this.#relay = parts.relay;
    this.#database = parts.database;
    this.#watch = parts.watch;
  }

  get process(): LedProcess<ClientCalls, ClientReport> {
    if (this.#process === undefined) throw new Error('the client was not started');
    return this.#process;
  }

  /** Starts the process on its database. */
  start(relayUrl = this.#relay.url): void {
    this.connection = '';
    this.#process = new LedProcess(program, [relayUrl, this.#database, String(this.clockAhead)], (report) => {
      this.#heard(report);
      this.#watch.changed();
    });
    this.#process.onEnd(() => this.#watch.changed());
  }

  async register(username: string): Promise<void> {
    const { userId, recoveryKey } = await this.process.call('register', { phone: this.phone, username });
    this.userId = userId;
    this.recoveryKey = recoveryKey;
  }

  send(to: ClientProcess, texts: readonly string[], together: boolean): Promise<undefined> {
    return this.process.call('send', { to: to.phone, texts, together });
  }

  /** What is new since the mark, once everything came to rest. */
  rest(other: ClientProcess): Promise<Rest> {
    return this.process.call('rest', { with: other.phone, since: this.mark });
  }

  async advance(ms: number): Promise<void> {
    await this.process.call('advance', ms);
    this.clockAhead += ms;
  }

  kill(): Promise<Ending> {
    return this.process.kill();
  }

  async stop(): Promise<Ending> {
    await this.process.call('stop', undefined);
    return this.process.ended;
  }

  #heard(report: ClientReport): void {
    switch (report.type) {
      case 'code-wanted':
        this.#giveCode().catch((error: unknown) => this.log.push(String(error)));
        break;
      case 'link-code':
        this.linkCodes.push(report.code);
        break;
      case 'sent':
        this.sent.push(report.text);
        break;
      case 'event':
        this.told.add(`${report.fact.type} ${report.fact.about}`);
        break;
      case 'connection':
        this.connection = report.state;
        break;
      case 'log':
        this.log.push(report.line);
        break;
    }
  }

  async #giveCode(): Promise<void> {
    const right = await this.#relay.codeFor(this.phone);
    const wrong = right.replace(/./, (digit) => String((Number(digit) + 1) % 10));
    await this.process.call('code', this.wrongCodes-- > 0 ? wrong : right);
  }
}
