import { join } from 'node:path';
import type { FatalStep } from '../led/fatal-tracer.ts';
import { LedProcess } from '../led/led-process.ts';
import type { HostCalls, HostReport, HostStart, Person } from './host-calls.ts';
import { ignoringEnd, Victim } from './victim.ts';

const program = join(import.meta.dirname, 'host-child.ts');
const keptLines = 500;

/** A process with several people's clients. */
export class SoakHost extends Victim<HostCalls, HostReport> {
  readonly side = 'client';
  readonly name: string;
  readonly people: Person[];
  isTalking = false;
  peers: readonly Person[] = [];
  /** What its clients logged last. */
  readonly log: string[] = [];
  readonly #settings: Omit<HostStart, 'life' | 'people' | 'peers' | 'isTalking' | 'aheadMs' | 'fatal'>;
  readonly #codeFor: (phone: string) => Promise<string>;
  readonly #sentIn = new Map<number, number>();
  #registered: () => void = () => undefined;
  registered: Promise<void> = Promise.resolve();

  constructor(
    people: readonly Person[],
    settings: Omit<HostStart, 'life' | 'people' | 'peers' | 'isTalking' | 'aheadMs' | 'fatal'>,
    codeFor: (phone: string) => Promise<string>,
  ) {
    super();
    this.name = settings.host;
    this.people = [...people];
    this.#settings = settings;
    this.#codeFor = codeFor;
  }

  /** Messages that `send` took, over all its lives. */
  get sent(): number {
    return [...this.#sentIn.values()].reduce((sum, count) => sum + count, 0);
  }

  get data(): string {
    return this.#settings.data;
  }

  protected override launch(fatal: readonly FatalStep[]): LedProcess<HostCalls, HostReport> {
    const { lives: life, people, peers, isTalking, aheadMs } = this;
    const start: HostStart = { ...this.#settings, life, people, peers, isTalking, aheadMs, fatal };
    this.registered = new Promise((resolve) => {
      this.#registered = resolve;
    });
    const process: LedProcess<HostCalls, HostReport> = new LedProcess(program, [JSON.stringify(start)], (report) =>
      this.#heard(report, life, process),
    );
    return process;
  }

  /** It answers questions at once; its clients come by and by. */
  protected override async ready(process: LedProcess<HostCalls, HostReport>): Promise<void> {
    await process.call('setPeers', this.peers);
  }

  /** Tells it whom its people may write to; one that stands still hears of it later. */
  setPeers(peers: readonly Person[]): void {
    this.peers = peers;
    ignoringEnd(this.process.call('setPeers', peers)).catch((error: unknown) => this.unasked.push(String(error)));
  }

  #heard(report: HostReport, life: number, process: LedProcess<HostCalls, HostReport>): void {
    switch (report.type) {
      case 'code-wanted':
        this.#codeFor(report.phone)
          .then((code) => ignoringEnd(process.call('code', { phone: report.phone, code })))
          .catch((error: unknown) => this.log.push(String(error)));
        break;
      case 'registered':
        this.#registered();
        break;
      case 'sent':
        this.#sentIn.set(life, report.count);
        break;
      case 'log':
        this.log.push(report.line);
        if (this.log.length > keptLines) this.log.shift();
    }
  }
}
