import type { GroupId } from '../ports/ids.ts';

/** How long those who came by themselves wait for a member who was overtaken by one of them: long enough to read what came, and to make the change again. */
const forMs = 5_000;
/** How long nobody is given the right of way again, so that members can't keep the others out by it. */
const pauseMs = 20_000;
/** The most groups that are kept in mind. */
const mostKept = 10_000;

interface Passing {
  /** The last record of somebody who came by itself. */
  readonly revision: number;
  /** Until when members go first. */
  readonly until: number;
  /** Until when that is not given again. */
  readonly restsUntil: number;
}

/**
 * Who goes first where members and people with a link change one group at the same time: a member whose change came too late because of one of those people is not overtaken by another one for a while.
 *
 * In memory: after a restart nobody has it, and each node of a cluster gives it to those who came too late there.
 */
export class RightOfWay {
  readonly #groups = new Map<string, Passing>();

  /** How long somebody who came by itself has to wait; 0 = not at all. */
  waitOf(groupId: GroupId, now: number): number {
    const until = this.#groups.get(keyOf(groupId))?.until ?? 0;
    // One that lies further ahead was given before the clock was set back.
    return until - now > forMs ? 0 : Math.max(0, until - now);
  }

  /** Somebody has appended this revision: a member, or somebody who came by itself. */
  passed(groupId: GroupId, revision: number, isMember: boolean): void {
    const known = this.#groups.get(keyOf(groupId));
    if (!isMember) this.#keep(groupId, { until: 0, restsUntil: 0, ...known, revision });
    else if (known !== undefined) this.#keep(groupId, { ...known, until: 0 });
  }

  /** A member was too late for this revision. */
  tooLate(groupId: GroupId, revision: number, now: number): void {
    const known = this.#groups.get(keyOf(groupId));
    if (known?.revision !== revision) return;
    const rests = known.restsUntil - now;
    if (rests > 0 && rests <= forMs + pauseMs) return;
    this.#keep(groupId, { revision, until: now + forMs, restsUntil: now + forMs + pauseMs });
  }

  #keep(groupId: GroupId, passing: Passing): void {
    const key = keyOf(groupId);
    this.#groups.delete(key);
    for (const oldest of this.#groups.keys()) {
      if (this.#groups.size < mostKept) break;
      this.#groups.delete(oldest);
    }
    this.#groups.set(key, passing);
  }
}

function keyOf(groupId: GroupId): string {
  return Buffer.from(groupId).toString('latin1');
}
