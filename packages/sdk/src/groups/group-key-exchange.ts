import { hasEnded } from '../accounts/standing.ts';
import type { Executor } from '../crypto/executor.ts';
import { listedDevices } from '../devices/accepted-list.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import { type WantedKey, writeKeyRequest } from './group-keys.ts';
import type { GroupRole } from './group-member.ts';
import type { GroupState } from './group-state.ts';
import { keyGraceMs, locksOfGroup } from './keep-group.ts';
import { stateOf } from './stored-group.ts';

/** How many members are asked at once. */
const askedAtOnce = 3;
/** So many were asked without an answer when it is seen whether this user is still a member. */
export const askedBeforeDoubt = 2 * askedAtOnce;
const firstWait = 10_000;
const longestWait = 3_600_000;
/** A wait is made longer by up to this part of it, so that many do not ask at once. */
const jitter = 0.5;

const order: { readonly [Role in GroupRole]: number } = { owner: 0, admin: 1, member: 2 };

/** What asking works with. */
export interface KeyExchangeParts {
  readonly executor: Executor;
  readonly store: StoreQueries;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  /** Something waits in the outbox for this person. */
  readonly onQueued: (userId: UserId) => void;
  /** Members were asked, and nobody has given the key: whether this user is taken as removed now. */
  readonly onUnanswered: (groupId: GroupId) => Promise<boolean>;
  readonly onFailure: (error: unknown) => void;
}

/** Asks members for state keys that are missing: the own other devices first, then the owner and admins, three at a time, ever more rarely. */
export class GroupKeyExchange {
  private readonly parts: KeyExchangeParts;
  /** All that a log was seen to need; the store has the next one. */
  private readonly missing = new Map<GroupId, readonly WantedKey[]>();
  private cancel: CancelTimer | undefined;
  private working: Promise<void> | undefined;
  private isRunning = false;

  constructor(parts: KeyExchangeParts) {
    this.parts = parts;
  }

  /** The client is connected: what is due is asked for, now and later. */
  start(): void {
    this.isRunning = true;
    this.wake();
  }

  /** A log needs these keys; none: it does not wait any more. */
  note(groupId: GroupId, missing: readonly WantedKey[]): void {
    if (missing.length === 0) this.missing.delete(groupId);
    else this.missing.set(groupId, missing);
    this.wake();
  }

  /** Asks for what is due, and sees when the next is. */
  wake(): void {
    if (!this.isRunning || this.working !== undefined) return;
    this.cancel?.();
    this.cancel = undefined;
    this.working = this.work()
      .catch(this.parts.onFailure)
      .finally(() => {
        this.working = undefined;
      });
  }

  /** The connection is gone: nobody would hear what is asked. */
  pause(): void {
    this.isRunning = false;
    this.cancel?.();
    this.cancel = undefined;
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.pause();
    await this.working;
  }

  private async work(): Promise<void> {
    const { store, clock, timers } = this.parts;
    let next = Number.POSITIVE_INFINITY;
    for (const group of await store.groupsBehind()) {
      if (group.waitingFor === undefined) continue;
      const { askAt, asked } = group.waitingFor;
      if (!isDue(group.waitingFor, clock.now())) next = Math.min(next, askAt);
      else if (asked < askedBeforeDoubt || !(await this.isOut(group.id))) {
        next = Math.min(next, (await this.ask(group.id)) ?? next);
      }
    }
    if (!this.isRunning || next === Number.POSITIVE_INFINITY) return;
    this.cancel = timers.after(Math.max(0, next - clock.now()), () => this.wake());
  }

  private async isOut(groupId: GroupId): Promise<boolean> {
    const isOut = await this.parts.onUnanswered(groupId);
    if (isOut) this.missing.delete(groupId);
    return isOut;
  }

  /** Asks the next members; gives when it is to be done again. */
  private async ask(groupId: GroupId): Promise<number | undefined> {
    const { executor, store, origin, clock, randomness, onQueued } = this.parts;
    const { account } = origin();
    const seen = (await store.groupsBehind()).find(({ id }) => id === groupId);
    const chosen = seen === undefined ? [] : chooseFrom(seen, account);
    const askAt = await executor.run(locksOfGroup(groupId, chosen), async (overlay) => {
      const group = await overlay.get('group', { id: groupId });
      const waitingFor = group?.waitingFor;
      if (group === undefined || waitingFor === undefined || !isDue(waitingFor, clock.now())) return waitingFor?.askAt;
      if (await hasEnded(overlay)) return undefined;
      const now = clock.now();
      const wanted = this.missing.get(groupId) ?? [waitingFor];
      const fields = { groupKeyRequest: writeKeyRequest(group.wireId, wanted) };
      for (const userId of chosen) addHiddenContent(overlay, origin(), userId, fields, now);
      const asked = waitingFor.asked + askedAtOnce;
      const again = Math.round(now + waitAfter(asked) * (1 + randomness.fraction() * jitter));
      overlay.put('group', { ...group, waitingFor: { ...waitingFor, asked, askAt: again } });
      return again;
    });
    for (const userId of chosen) onQueued(userId);
    return askAt;
  }
}

/** How long nobody else is asked after so many. */
function waitAfter(asked: number): number {
  return Math.min(longestWait, firstWait * 2 ** Math.min(20, asked / askedAtOnce - 1));
}

/** Whether it is time to ask. What is to be asked for later than ever was so by a clock that was set back since. */
function isDue({ askAt, asked }: NonNullable<GroupRecord['waitingFor']>, now: number): boolean {
  const longest = asked === 0 ? keyGraceMs : waitAfter(asked) * (1 + jitter);
  return askAt <= now || askAt > now + longest;
}

/** The members whose turn it is. */
function chooseFrom(group: GroupRecord, own: AccountRecord): readonly UserId[] {
  const ranked = rankedMembers(stateOf(group), own);
  if (ranked.length <= askedAtOnce) return ranked;
  const asked = group.waitingFor?.asked ?? 0;
  return Array.from({ length: askedAtOnce }, (_, at) => ranked[(asked + at) % ranked.length]).filter(
    (userId) => userId !== undefined,
  );
}

function rankedMembers(state: GroupState | undefined, { userId: self, deviceList }: AccountRecord): readonly UserId[] {
  const members = state?.members ?? [];
  const others = members.filter(({ userId }) => userId !== self);
  const ranked = [...others].sort((left, right) => order[left.role] - order[right.role]).map(({ userId }) => userId);
  // In a group that everybody else has left nobody else can give it.
  const isAlone = listedDevices({ signed: deviceList }).length < 2;
  return isAlone || others.length === members.length ? ranked : [self, ...ranked];
}
