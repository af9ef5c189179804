import { chatLock, chatOfGroup } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { peerLock } from '../crypto/ratchet.ts';
import { tellingForks } from '../devices/named-list.ts';
import { advances, progressFields } from '../messages/message-state.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChatId, UserId } from '../ports/ids.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import type { StoreQueries } from '../ports/store.ts';
import { ownQueue, syncOfSent, tellSiblings } from '../sync/own-sync.ts';
import type { AcceptedSend } from './accepted-send.ts';
import { acceptForGroup, failForGroup } from './group-commits.ts';
import { addHiddenContent } from './hidden-row.ts';

/** Takes a signed device list over, if it is genuine and newer; in the caller's operation. */
export type AcceptDeviceList = (overlay: Overlay, userId: UserId, signed: Uint8Array) => Promise<void>;

/** The commits that end or renew an attempt. */
export class OutboxCommits {
  private readonly executor: Executor;
  private readonly store: Pick<StoreQueries, 'outboxOfGroup'>;
  private readonly clock: Clock;
  private readonly origin: () => ContentOrigin;
  private readonly acceptDeviceList: AcceptDeviceList;

  constructor(parts: {
    readonly executor: Executor;
    readonly store: Pick<StoreQueries, 'outboxOfGroup'>;
    readonly clock: Clock;
    readonly origin: () => ContentOrigin;
    readonly acceptDeviceList: AcceptDeviceList;
  }) {
    this.executor = parts.executor;
    this.store = parts.store;
    this.clock = parts.clock;
    this.origin = parts.origin;
    this.acceptDeviceList = parts.acceptDeviceList;
  }

  /**
   * The relay has these, all of one queue: they leave the outbox, and their messages are `sent`.
   * @returns the queues into which copies were put for members who have missed a group's message
   */
  async accepted(chatId: ChatId, sends: readonly AcceptedSend[]): Promise<readonly ChatId[]> {
    const queued = new Set<ChatId>();
    await this.executor.run(
      locksOf(chatId, sends),
      async (overlay) => {
        for (const send of sends) {
          if (send.record.groupId === undefined) await this.acceptOne(overlay, send, queued);
          else await acceptForGroup(overlay, send, queued, this.clock.now());
        }
      },
      { before: 'result.before-commit', after: 'result.committed' },
    );
    return [...queued];
  }

  private async acceptOne(
    overlay: Overlay,
    { record, acceptedAt, expiresAt }: AcceptedSend,
    queued: Set<ChatId>,
  ): Promise<void> {
    overlay.delete('outbox', { id: record.id });
    const message = record.visible ? await overlay.get('message', { id: record.messageId }) : undefined;
    if (message === undefined) return;
    const told = message.acceptedAt === undefined ? syncOfSent(record, { acceptedAt, expiresAt }) : undefined;
    if (told !== undefined && (await tellSiblings(overlay, this.origin, told, this.clock.now()))) {
      queued.add(ownQueue(this.origin().account));
    }
    const timed = { ...message, acceptedAt, expiresAt, updatedAt: this.clock.now() };
    // A receipt that was faster than the result has said more already. That it was sent stands in the message itself.
    if (!advances(message.state, 'sent')) {
      overlay.put('message', timed, progressFields);
      return;
    }
    overlay.put('message', { ...timed, state: 'sent', failure: undefined }, progressFields);
    overlay.record({
      type: 'message.sent',
      messageId: message.id,
      chatId: message.chatId,
      userId: record.recipient,
      at: acceptedAt,
    });
  }

  /** It will never be accepted: it leaves the outbox, and its message is `failed`. */
  failed(record: OutboxRecord, code: string): Promise<void> {
    return this.executor.run(locksOf(record.chatId, [{ record }]), async (overlay) => {
      const { recipient } = record;
      if (code === 'user-unknown' && recipient !== undefined) await forgetNumber(overlay, recipient);
      if (record.groupId !== undefined) {
        await failForGroup(overlay, { origin: this.origin(), store: this.store }, record, code, this.clock.now());
        return;
      }
      overlay.delete('outbox', { id: record.id });
      const message = record.visible ? await overlay.get('message', { id: record.messageId }) : undefined;
      if (message === undefined || !advances(message.state, 'failed')) return;
      const updatedAt = this.clock.now();
      overlay.put('message', { ...message, state: 'failed', failure: code, updatedAt }, progressFields);
      overlay.record({ type: 'message.failed', messageId: message.id, chatId: message.chatId, code });
      // To an account that is gone there is nobody to tell. A number that no message has would be waited for by everybody else.
      if (code === 'user-unknown' || recipient === undefined) return;
      const hole = { seqHole: { seqs: [message.seq] } };
      addHiddenContent(overlay, this.origin(), recipient, hole, this.clock.now());
    });
  }

  /**
   * The recipient's devices are others: takes the list over and unseals what was sealed for the old ones.
   * @throws {SottoError} `device-list-invalid`, `device-list-forked`: nothing was changed
   */
  devicesChanged(chatId: ChatId, recipient: UserId, signed: Uint8Array, sealedIds: readonly number[]): Promise<void> {
    const take = () =>
      this.executor.run([peerLock(recipient), chatLock(chatId)], async (overlay) => {
        await this.acceptDeviceList(overlay, recipient, signed);
        await unsealed(overlay, sealedIds);
      });
    return tellingForks(this.executor, recipient, take);
  }

  /** What was sealed is to be sealed anew. */
  unseal(chatId: ChatId, ids: readonly number[]): Promise<void> {
    return this.executor.run([chatLock(chatId)], (overlay) => unsealed(overlay, ids));
  }
}

async function unsealed(overlay: Overlay, ids: readonly number[]): Promise<void> {
  for (const id of ids) {
    const record = await overlay.get('outbox', { id });
    if (record !== undefined) overlay.put('outbox', { ...record, sealed: undefined });
  }
}

/** A copy for one member changes a message of the group's chat. */
function locksOf(chatId: ChatId, sends: readonly Pick<AcceptedSend, 'record'>[]): readonly string[] {
  const groups = sends.flatMap(({ record }) => (record.groupId === undefined ? [] : [chatOfGroup(record.groupId)]));
  return [...new Set([chatId, ...groups])].map(chatLock);
}

/** The account is gone: whoever has its number now is looked up when it is written to again. */
async function forgetNumber(overlay: Overlay, userId: UserId): Promise<void> {
  const user = await overlay.get('user', { id: userId });
  if (user !== undefined && user.number !== '') overlay.put('user', { ...user, number: '' });
}
