import { join } from 'node:path';
import type { FatalStep } from '../led/fatal-tracer.ts';
import { LedProcess } from '../led/led-process.ts';
import type { HostCalls, HostReport, HostStart, Person } from './host-calls.ts';
import { ignoringEnd, Victim } from './victim.ts';

const program = join(import.meta.dirname, 'host-child.ts');
const keptLines = 20_000;
/** So many revoked devices are opened again with the rest. */
const openedOut = 2;

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
  /** Told of each code that a further device shows. */
  onLinkCode: (device: string, code: string) => void = () => undefined;
  /** Told, at least once, of each further device that has its account. */
  onLinked: (device: string) => void = () => undefined;
  /** Told, at least once, of each further device of which its owner's first one was told. */
  onNoticed: (device: string) => void = () => undefined;

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

  /** Notes where a further device has come to: its next life begins so. */
  setDevice(name: string, device: NonNullable<Person['device']>): void {
    const at = this.people.findIndex((person) => person.name === name);
    const known = this.people[at];
    if (known !== undefined) this.people[at] = { ...known, device };
  }

  protected override launch(fatal: readonly FatalStep[]): LedProcess<HostCalls, HostReport> {
    const { lives: life, peers, isTalking, aheadMs } = this;
    const out = this.people.filter(({ device }) => device === 'out').slice(-openedOut);
    const people = this.people.filter((person) => person.device !== 'out' || out.includes(person));
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
    const told = this.process.call('setPeers', peers).then(() => this.process.call('meet', undefined));
    ignoringEnd(told).catch((error: unknown) => this.unasked.push(String(error)));
  }

  #heard(report: HostReport, life: number, process: LedProcess<HostCalls, HostReport>): void {
    switch (report.type) {
      case 'code-wanted':
        this.#codeFor(report.phone)
          .then((code) => ignoringEnd(process.call('code', { phone: report.phone, code })))
          .catch((error: unknown) => this.log.push(String(error)));
        break;
      case 'link-code':
        this.onLinkCode(report.device, report.code);
        break;
      case 'linked':
        this.onLinked(report.device);
        break;
      case 'noticed':
        this.onNoticed(report.device);
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
