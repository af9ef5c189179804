import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { RelayProcess } from './relay-process.ts';
import type { ChatName, UserCommand, UserReport } from './user-protocol.ts';

type ReportOf<Type extends UserReport['type']> = Extract<UserReport, { readonly type: Type }>;

/** Somebody with a phone number, whose device is a process. */
export class UserProcess {
  readonly name: string;
  readonly phone: string;
  userId = '';
  private readonly relay: RelayProcess;
  private readonly database: string;
  private readonly onReport: (user: UserProcess, report: UserReport) => void;
  private child: ChildProcess | undefined;
  private waiting: {
    readonly type: string;
    readonly resolve: (report: never) => void;
    readonly reject: (error: Error) => void;
  }[] = [];

  constructor(parts: {
    readonly name: string;
    readonly phone: string;
    readonly relay: RelayProcess;
    readonly database: string;
    readonly onReport: (user: UserProcess, report: UserReport) => void;
  }) {
    this.name = parts.name;
    this.phone = parts.phone;
    this.relay = parts.relay;
    this.database = parts.database;
    this.onReport = parts.onReport;
  }

  /** Starts the process on its database. */
  async start(): Promise<void> {
    const child = fork(join(import.meta.dirname, 'user.ts'), [this.relay.url, this.database], { stdio: 'inherit' });
    this.child = child;
    child.on('message', (report: UserReport) => this.hear(report));
    child.once('exit', (status, signal) => {
      for (const { reject } of this.waiting) reject(new Error(`${this.name}'s process ended: ${status ?? signal}`));
      this.waiting = [];
    });
    await this.next('ready');
  }

  async register(): Promise<void> {
    const registered = this.next('registered');
    this.tell({ type: 'register', phone: this.phone, username: this.name });
    await Promise.race([this.next('code-wanted'), registered]);
    this.tell({ type: 'code', code: await this.relay.codeFor(this.phone) });
    this.userId = (await registered).userId;
  }

  /** Makes a group with others; gives its id. */
  async makeGroup(title: string, others: readonly UserProcess[]): Promise<string> {
    const made = this.next('group-made');
    this.tell({ type: 'make-group', title, with: others.map(({ phone }) => phone) });
    return (await made).groupId;
  }

  /** Puts texts into the outbox, in order; gives their ids. */
  async send(to: ChatName, texts: readonly string[]): Promise<readonly string[]> {
    const queued = this.next('queued');
    this.tell({ type: 'send', to, texts });
    return (await queued).ids;
  }

  async history(chat: ChatName): Promise<ReportOf<'history'>['messages']> {
    const history = this.next('history');
    this.tell({ type: 'report', with: chat });
    return (await history).messages;
  }

  /** Lets the process write what arrived to a file, one message a line; gives how many. */
  async write(from: UserProcess, path: string): Promise<number> {
    const written = this.next('written');
    this.tell({ type: 'write', with: from.phone, path });
    return (await written).count;
  }

  /** Closes the client and the process; the database stays. */
  async stop(): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.send({ type: 'stop' } satisfies UserCommand);
    await ended;
  }

  private tell(command: UserCommand): void {
    this.child?.send(command);
  }

  private next<Type extends UserReport['type']>(type: Type): Promise<ReportOf<Type>> {
    return new Promise((resolve, reject) => this.waiting.push({ type, resolve, reject }));
  }

  private hear(report: UserReport): void {
    if (report.type === 'failed') {
      const { code, message, retryAfterMs } = report;
      const wait = retryAfterMs === undefined ? '' : ` (try again in ${Math.ceil(retryAfterMs / 1_000)} s)`;
      const failure = new Error(`${this.name}: ${code}: ${message}${wait}`);
      for (const { reject } of this.waiting) reject(failure);
      this.waiting = [];
      return;
    }
    this.onReport(this, report);
    const heard = this.waiting.filter(({ type }) => type === report.type);
    this.waiting = this.waiting.filter(({ type }) => type !== report.type);
    for (const { resolve } of heard) resolve(report as never);
  }
}
