import type { MemoryDisk } from '@sotto/sdk';
import type { CrowdDevice } from './crowd-device.ts';
import type { Ledger } from './ledger.ts';
import { accountOf, copyOf, feed } from './thief.ts';
import type { Traffic } from './traffic.ts';

/** Somebody's store as it was when they were put out, or when somebody else was; and what it must not open, or has to. */
interface Theft {
  readonly of: string;
  readonly disk: MemoryDisk;
  /** Where the traffic was. */
  readonly mark: number;
  /** How much had been said. */
  readonly said: number;
  /** The conversation that is looked at; undefined = all. */
  readonly chat: string | undefined;
  /** Whether this one stays in: then the same opens what is said there. */
  readonly stays: boolean;
}

/** Copies of stores that are given everything in the end that the relay gave to anybody later. */
export class Thefts {
  readonly #traffic: Traffic;
  readonly #ledger: Ledger;
  readonly #thefts: Theft[] = [];

  constructor(traffic: Traffic, ledger: Ledger) {
    this.#traffic = traffic;
    this.#ledger = ledger;
  }

  /** Takes a copy of a device's store; see `Theft`. */
  copy(device: CrowdDevice, { chat, stays }: { readonly chat?: string; readonly stays: boolean }): void {
    const [mark, said] = [this.#traffic.mark(), this.#ledger.count];
    this.#thefts.push({ of: device.name, disk: copyOf(device.disk), mark, said, chat, stays });
  }

  /** Whoever was put out opens nothing that was said later; those who stayed do. */
  async judge(
    relay: string,
    members: readonly CrowdDevice[],
  ): Promise<{ readonly lines: readonly string[]; readonly problems: readonly string[] }> {
    const lines: string[] = [];
    const problems: string[] = [];
    let openedByStaying = 0;
    for (const { of, disk, mark, said, chat, stays } of this.#thefts) {
      const later = this.#ledger.after(said).filter((entry) => chat === undefined || entry.chat === chat);
      const envelopes = this.#traffic.since(mark);
      const { userId } = accountOf(disk);
      const accessTokens = [...members]
        .sort((one, other) => Number(other.userId === userId) - Number(one.userId === userId))
        .map((member) => accountOf(member.disk).accessToken);
      const { fed, messages } = await feed(disk, { relay, envelopes, accessTokens });
      const opened = later.filter(({ id }) => messages.has(id)).length;
      const what = `${of}${chat === undefined ? '' : ` of "${chat}"`} ${stays ? 'stayed' : 'was put out'}`;
      lines.push(`${what}: ${fed} envelopes fed, ${later.length} messages said, ${opened} opened`);
      if (stays) openedByStaying += opened;
      else if (opened > 0) problems.push(`${what}, and opened ${opened} messages that were said later`);
      else if (fed === 0 || later.length === 0) problems.push(`${what}, and there was nothing to open`);
    }
    if (openedByStaying === 0) problems.push('nobody who stayed opened anything: what was fed shows nothing');
    return { lines, problems };
  }
}
