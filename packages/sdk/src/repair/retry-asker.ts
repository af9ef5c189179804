import { type Envelope, uuidToText } from '@sotto/proto';
import { refuseWhenEnded } from '../accounts/standing.ts';
import { chatLock, chatOfGroup, chatWith } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { peerLock, Ratchet } from '../crypto/ratchet.ts';
import { isFormerDevice } from '../devices/own-sender.ts';
import { isOutside } from '../messages/group-context.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { addHiddenRow } from '../outbox/hidden-row.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceAddress, DeviceId, MessageId, UserId } from '../ports/ids.ts';
import type { HeldReason, HeldRecord } from '../ports/inbox-records.ts';
import type { Randomness } from '../ports/randomness.ts';
import { recordKey } from '../ports/record-key.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import { addEmptyContent } from './empty-content.ts';
import { spendRepair, strangerRequests } from './repair-budget.ts';
import { writeRetryRequest } from './retry-request.ts';

/** How often a message is asked for. */
export const mostRequests = 3;

/** What is missing of one lost store is noticed message by message; a session that was begun for the first of them is for all. */
const renewalRest = 60_000;

const page = 64;
const longestSleep = 3_600_000;

/** The longest wait before the first, second and third request. */
const waits = [2_000, 600_000, 6 * 3_600_000] as const;

/** When to ask for a message that was held, after so many requests: full jitter, so that many devices do not ask at once. */
export function nextRequestAt(requests: number, now: number, randomness: Randomness): number | undefined {
  const longest = waits[requests];
  return longest === undefined ? undefined : now + Math.ceil(longest * randomness.fraction());
}

/** How long the key of a chain may be on its way behind the messages under it: it leaves before them, but through another queue (`HeadStart`). */
const keyGrace = 20_000;

/** How long the log of a group is waited for before something of it is asked for all the same: a member may speak of revisions that never come. */
const behindAtMost = 600_000;

/** Whether it is time to ask. What was held after now, or is to be asked for later than ever, was so by a clock that was set back since. */
function isDue({ heldAt, requests, requestAt }: HeldRecord, now: number): boolean {
  if (requestAt === undefined) return false;
  return requestAt <= now || (requests === 0 && heldAt > now) || requestAt > now + waits[2] + keyGrace;
}

/** To be asked for later, though nothing was asked yet: by the clock as it is now, or what was held by one that was ahead would be due at once again. */
function postpone(overlay: Overlay, held: HeldRecord, requestAt: number, now: number): void {
  overlay.put('held', { ...held, heldAt: Math.min(held.heldAt, now), requestAt }, ['heldAt', 'requestAt']);
}

/**
 * When to ask first for a message that was held.
 * @param attempt of its sender, from 1: who is behind in a group is so for a while, and an answer that speaks of an old revision again is not followed by the next request at once
 */
export function firstRequestAt(
  reason: HeldReason,
  attempt: number,
  now: number,
  randomness: Randomness,
): number | undefined {
  const before = reason === 'group-head-unknown' ? Math.min(Math.max(attempt, 1), mostRequests) - 1 : 0;
  return nextRequestAt(before, reason === 'no-sender-key' ? now + keyGrace : now, randomness);
}

/**
 * Asks senders for what could not be opened.
 *
 * When to ask stands in the held record, so nothing is lost by a crash; a request is an outbox row in the same commit that counts it.
 */
export class RetryAsker {
  private readonly executor: Executor;
  private readonly store: StoreQueries;
  private readonly origin: () => ContentOrigin;
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly randomness: Randomness;
  private readonly envelopeOf: (bytes: Uint8Array) => Promise<Envelope | undefined>;
  private readonly onQueued: (userId: UserId) => void;
  private readonly onFailure: (error: unknown) => void;
  /** When a session with a device was last begun anew: forgotten at an end, after which one renewal more does no harm. */
  private readonly renewed = new Map<string, number>();
  private cancel: CancelTimer | undefined;
  private working: Promise<void> | undefined;
  private again = false;
  private stopped = false;

  constructor(parts: {
    readonly executor: Executor;
    readonly store: StoreQueries;
    readonly origin: () => ContentOrigin;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly randomness: Randomness;
    /** What is held, without its outer layer; undefined when it does not say who sent it. */
    readonly envelopeOf: (bytes: Uint8Array) => Promise<Envelope | undefined>;
    /** A request to this person stands in the outbox. */
    readonly onQueued: (userId: UserId) => void;
    readonly onFailure: (error: unknown) => void;
  }) {
    this.executor = parts.executor;
    this.store = parts.store;
    this.origin = parts.origin;
    this.clock = parts.clock;
    this.timers = parts.timers;
    this.randomness = parts.randomness;
    this.envelopeOf = parts.envelopeOf;
    this.onQueued = parts.onQueued;
    this.onFailure = parts.onFailure;
  }

  /** Something was held, or it is time to look. */
  wake(): void {
    if (this.stopped) return;
    if (this.working !== undefined) {
      this.again = true;
      return;
    }
    this.cancel?.();
    this.cancel = undefined;
    this.working = this.work()
      .catch((error: unknown) => {
        if (!this.stopped) this.onFailure(error);
      })
      .finally(() => {
        this.working = undefined;
        if (!this.again) return;
        this.again = false;
        this.wake();
      });
  }

  /** Resolves when no request is being queued; asks no more. Idempotent. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel?.();
    await this.working;
  }

  /** Resolves when no request is being queued. */
  async idle(): Promise<void> {
    while (this.working !== undefined) await this.working;
  }

  private async work(): Promise<void> {
    const waiting = await this.store.heldRequests(page);
    const now = this.clock.now();
    const due = waiting.filter((held) => isDue(held, now));
    const asked = await Promise.all(due.map((held) => this.ask(held)));
    for (const userId of new Set(asked.filter((one) => one !== undefined))) this.onQueued(userId);
    if (waiting.length === 0 || this.stopped) return;
    const next = waiting.find((held) => !isDue(held, now))?.requestAt;
    const sleep = next === undefined ? longestSleep : Math.min(next - now, longestSleep);
    // A due one of this round may be the next of all, which the next look tells. More of them are looked at when others have had their turn: a store may answer without giving it to anybody.
    const most = due.length === page ? 0 : due.length > 0 ? waits[0] : longestSleep;
    this.cancel = this.timers.after(Math.min(sleep, most), () => this.wake());
  }

  /** Queues one request; whom it goes to. */
  private async ask(found: HeldRecord): Promise<UserId | undefined> {
    const { sender } = found;
    const envelope = await this.envelopeOf(found.envelope);
    if (sender === undefined || envelope === undefined) return this.askNobody(found);
    const device = { userId: sender, deviceId: envelope.senderDevice as DeviceId };
    const failed = { ...envelope, messageId: uuidToText(envelope.messageId) as MessageId };
    return this.executor.run([peerLock(sender), chatLock(chatWith(sender))], async (overlay) => {
      // Thrown, so that it does not come again by itself.
      await refuseWhenEnded(overlay);
      const now = this.clock.now();
      const held = await overlay.get('held', { digest: found.digest });
      if (held === undefined || !isDue(held, now)) return undefined;
      if (await cameMeanwhile(overlay, sender, failed.messageId, envelope.messageId)) {
        overlay.delete('held', { digest: held.digest });
        return undefined;
      }
      const isDoubtful = held.reason === 'certificate-invalid';
      if (isDoubtful && (await isFormerDevice(overlay, device))) {
        overlay.put('held', { ...held, requestAt: undefined });
        return undefined;
      }
      // An outdated certificate proves too little to write to strangers by it: they may be known later.
      if (isDoubtful && !(await isKnown(overlay, sender))) {
        postpone(overlay, held, now + waits[2], now);
        return undefined;
      }
      const self = this.origin().account.userId;
      const needsGroup = isDoubtful || held.reason === 'no-sender-key';
      if (needsGroup && (await isUnanswered(overlay, held, sender, self, envelope.groupEpoch))) {
        overlay.put('held', { ...held, reason: 'not-a-member', requestAt: undefined, mendable: false });
        return undefined;
      }
      if (now < held.heldAt + behindAtMost && (await isBehind(overlay, held))) {
        postpone(overlay, held, now + keyGrace, now);
        return undefined;
      }
      // Each attempt that fails is held by itself; together they are asked for three times.
      const attempts = await this.store.heldAttempts(failed.messageId, page);
      const asked = attempts.reduce((sum, one) => sum + (one.sender === sender ? one.requests : 0), 0);
      const content = writeRetryRequest(failed, asked + 1, now);
      if (content === undefined || asked >= mostRequests) {
        overlay.put('held', { ...held, requestAt: undefined, mendable: held.mendable && content !== undefined });
        return undefined;
      }
      // Who is in an accepted group is no stranger there.
      const chatId = held.groupId === undefined || isDoubtful ? chatWith(sender) : chatOfGroup(held.groupId);
      const chat = await overlay.get('chat', { id: chatId });
      const limit = chat?.accepted ? undefined : strangerRequests;
      const later = await spendRepair(overlay, device, 'requests', now, limit);
      if (later !== undefined) {
        postpone(overlay, held, later + Math.ceil(waits[0] * this.randomness.fraction()), now);
        return undefined;
      }
      // The own prekeys that the sender is given may be lost with a store that was set back: a session that begins here needs none of them.
      if (held.reason === 'missing-prekey') await this.beginAnew(overlay, device, now);
      addHiddenRow(overlay, sender, { kind: 'retry-request', messageId: failed.messageId, content }, now);
      const requests = held.requests + 1;
      overlay.put('held', { ...held, requests, requestAt: nextRequestAt(requests, now, this.randomness) });
      return sender;
    });
  }

  /** Who could be asked can't be read: it must not be due for ever. */
  private async askNobody({ digest }: HeldRecord): Promise<undefined> {
    await this.executor.run([`held:${recordKey('held', { digest })}`], async (overlay) => {
      const held = await overlay.get('held', { digest });
      if (held !== undefined) overlay.put('held', { ...held, requestAt: undefined, mendable: false });
    });
  }

  private async beginAnew(overlay: Overlay, device: DeviceAddress, now: number): Promise<void> {
    for (const [key, at] of this.renewed) if (now < at || now >= at + renewalRest) this.renewed.delete(key);
    const key = recordKey('session', device);
    if (this.renewed.has(key)) return;
    if ((await spendRepair(overlay, device, 'renewals', now)) !== undefined) return;
    this.renewed.set(key, now);
    const origin = this.origin();
    await new Ratchet(origin.account, overlay, now).setAside(device);
    addEmptyContent(overlay, origin, device.userId, [], now);
  }
}

/** Whether somebody is no stranger: this device has met them, or another one of this account has accepted them. */
async function isKnown(overlay: Overlay, userId: UserId): Promise<boolean> {
  if ((await overlay.get('identity', { userId })) !== undefined) return true;
  return (await overlay.get('chat', { id: chatWith(userId) }))?.accepted === true;
}

/** Whoever is in a group no more, or never was as far as its log is known here, sends nothing of it again; and nobody who knows that sends what is of a time before this user came (again). */
async function isUnanswered(
  overlay: Overlay,
  { groupId }: HeldRecord,
  sender: UserId,
  self: UserId,
  revision: number,
): Promise<boolean> {
  if (groupId === undefined) return false;
  const own = await overlay.get('groupMember', { groupId, userId: self });
  if (own !== undefined && own.leftAt === undefined && revision < own.joinedAt) return true;
  return isOutside(overlay, groupId, sender, revision, true);
}

/** Whether the log of its group has to be read before: what an answer says of it could not be checked, nor could the key that is waited for. */
async function isBehind(overlay: Overlay, { groupId, reason }: HeldRecord): Promise<boolean> {
  if (groupId === undefined || (reason !== 'no-sender-key' && reason !== 'group-head-unknown')) return false;
  const group = await overlay.get('group', { id: groupId });
  return group?.standing === 'member' && group.knownRevision > group.revision;
}

async function cameMeanwhile(
  overlay: Overlay,
  sender: UserId,
  messageId: MessageId,
  bytes: Uint8Array,
): Promise<boolean> {
  const message = await overlay.get('message', { id: messageId });
  if (message?.senderId === sender) return true;
  return (await overlay.get('seen', { key: bytes })) !== undefined;
}
