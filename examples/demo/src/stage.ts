import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ledger } from './ledger.ts';
import { RelayProcess } from './relay-process.ts';
import { UserProcess } from './user-process.ts';
import type { ChatName, UserReport } from './user-protocol.ts';

/** Prints one line of the demo, with the seconds since it began. */
export type Say = (line: string) => void;

/** A group of the demo. */
export interface DemoGroup {
  readonly groupId: string;
  readonly members: readonly UserProcess[];
}

/** The relay, the users and the count: what every scene of the demo plays on. */
export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'sotto-demo-'));
  readonly relay = new RelayProcess(join(this.folder, 'relay'));
  readonly ledger = new Ledger();
  readonly say: Say;
  readonly groups: DemoGroup[] = [];
  private readonly users: UserProcess[] = [];
  /** Who was told of which group. */
  private readonly broughtIn = new Set<string>();
  private readonly begun = performance.now();
  private onArrival: (user: UserProcess, report: Extract<UserReport, { type: 'received' }>) => void = () => undefined;

  constructor() {
    this.say = (line) => {
      const seconds = ((performance.now() - this.begun) / 1_000).toFixed(2).padStart(6);
      process.stdout.write(`${seconds} s  ${line}\n`);
    };
  }

  /** Where the relay keeps its data. */
  get relayFolder(): string {
    return join(this.folder, 'relay');
  }

  /** What is to be shown when a message arrives. */
  showArrivals(show: Stage['onArrival']): void {
    this.onArrival = show;
  }

  /** Starts a user's process and registers it. */
  async newUser(name: string, phone: string): Promise<UserProcess> {
    const user = new UserProcess({
      name,
      phone,
      relay: this.relay,
      database: join(this.folder, `${name.toLowerCase()}.db`),
      onReport: (from, report) => {
        if (report.type === 'received') this.onArrival(from, report);
        if (report.type === 'brought-in') this.broughtIn.add(`${report.groupId} ${from.name}`);
        this.ledger.hear(from, report);
      },
    });
    this.users.push(user);
    await user.start();
    await user.register();
    return user;
  }

  /** Lets somebody make a group; resolves when all of its members know that they are in it. */
  async newGroup(title: string, owner: UserProcess, others: readonly UserProcess[]): Promise<DemoGroup> {
    const groupId = await owner.makeGroup(title, others);
    await this.ledger.until(() => others.every(({ name }) => this.broughtIn.has(`${groupId} ${name}`)));
    const group = { groupId, members: [owner, ...others] };
    this.groups.push(group);
    return group;
  }

  /** Sends texts to a person or into a group, and writes them down; gives their ids. */
  async send(from: UserProcess, to: UserProcess | DemoGroup, texts: readonly string[]): Promise<readonly string[]> {
    const [chat, readers]: [ChatName, readonly UserProcess[]] =
      'groupId' in to ? [to, to.members.filter((member) => member !== from)] : [{ phone: to.phone }, [to]];
    const ids = await from.send(chat, texts);
    this.ledger.add(from, readers, ids);
    return ids;
  }

  /** The name of somebody whose id is known. */
  nameOf(userId: string): string {
    return this.users.find((user) => user.userId === userId)?.name ?? 'somebody';
  }

  /** Ends all processes and removes what they wrote. */
  async clear(): Promise<void> {
    await Promise.all(this.users.map((user) => user.stop()));
    await this.relay.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
