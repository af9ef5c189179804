import type { Clock } from '../ports/clock.ts';
import type { GroupId } from '../ports/ids.ts';
import { type GroupRow, GroupSealer, type GroupSealerParts } from './group-sealer.ts';
import { type PairwiseRow, PairwiseSealer, type PairwiseSealerParts } from './pairwise-sealer.ts';
import { goesOn, type RowSealer, type SealableRecord, type SealOutcome, sealedBefore } from './row-sealer.ts';

/** What `Sealer` works with. */
export interface SealerParts extends PairwiseSealerParts, GroupSealerParts {}

/** Seals what stands at the head of a queue, whoever it is for: runs of rows to one person, and runs of rows to a group, each in one commit. */
export class Sealer implements RowSealer {
  private readonly clock: Clock;
  private readonly pairwise: PairwiseSealer;
  private readonly group: GroupSealer;

  constructor(parts: SealerParts) {
    this.clock = parts.clock;
    this.pairwise = new PairwiseSealer(parts);
    this.group = new GroupSealer(parts);
  }

  /**
   * Reads the log of a group, after `needs-group`.
   * @throws {SottoError} as reading it
   */
  readGroup(groupId: GroupId): Promise<void> {
    return this.group.readGroup(groupId);
  }

  async seal(rows: readonly SealableRecord[]): Promise<readonly SealOutcome[]> {
    const now = this.clock.now();
    const outcomes: SealOutcome[] = [];
    while (outcomes.length < rows.length) {
      const rest = rows.slice(outcomes.length);
      const [first] = rest;
      if (first === undefined) break;
      const known = sealedBefore(first, now);
      if (known !== undefined) {
        outcomes.push(known);
        continue;
      }
      const run = await this.sealRun(first, rest);
      outcomes.push(...run);
      const last = run.at(-1);
      if (last === undefined || !goesOn(last)) break;
    }
    return outcomes;
  }

  /** Seals as many of these as go where the first one goes. */
  private sealRun(first: SealableRecord, rows: readonly SealableRecord[]): Promise<readonly SealOutcome[]> {
    const { recipient, groupId } = first;
    const away = rows.findIndex((row) => row.recipient !== recipient || (!recipient && row.groupId !== groupId));
    const run = away < 0 ? rows : rows.slice(0, away);
    // All of a run go where its first one goes, and a row has a recipient or a group.
    return recipient === undefined
      ? this.group.seal(run as readonly GroupRow[])
      : this.pairwise.seal(run as readonly PairwiseRow[]);
  }
}
