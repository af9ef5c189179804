import type { RecordKind, Records } from '../ports/changes.ts';
import type { EventFact } from '../ports/event-records.ts';
import type { GroupStanding } from '../ports/group-records.ts';
import type { ChatId, DeviceId, GroupId, MessageId, UserId } from '../ports/ids.ts';
import type { HeldReason } from '../ports/inbox-records.ts';
import type { IdentityPolicy, PrekeyKind } from '../ports/key-records.ts';
import type { MessageState, ReceiptRecord } from '../ports/message-record.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import type { SessionEnd } from '../sotto-error.ts';

// biome-ignore format: a list of characters
const pieces = [
  'a', 'Zz', ' ', '\n', '"', "'", '%_\\', '0', 'é', 'e\u0301', 'ß', 'Привет', '你好', 'नमस्ते', 'שלום',
  '\u202eمرحبا', '𝒳', '𐍈', '👋🏽', '👩‍👩‍👧‍👦', '🇮🇸', '\u0000', '\u0001', '\u007f', '\ufeff', '\ufffd', '\uffff',
  '\u{10ffff}', '\u2028',
];
const messageStates: readonly MessageState[] = [
  'queued',
  'sent',
  'expired',
  'delivered',
  'read',
  'failed',
  'received',
  'seen',
];
const receiptStates: readonly ReceiptRecord['state'][] = ['sent', 'expired', 'delivered', 'read'];
const heldReasons: readonly HeldReason[] = ['malformed-envelope', 'no-session', 'content-invalid', 'no-sender-key'];
const standings: readonly GroupStanding[] = ['member', 'left', 'removed', 'requested'];
const identityPolicies: readonly IdentityPolicy[] = ['accept', 'block-verified', 'block'];
const outboxKinds: readonly OutboxRecord['kind'][] = ['content', 'retry-request'];
const prekeyKinds: readonly PrekeyKind[] = ['ec', 'kyber', 'signed', 'last-resort'];
const integers = [0, 1, 2, 255, 2 ** 31 - 1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER];

/** Whether fields that may be unset are set. */
export type Fill = 'all' | 'none' | 'some';

/** Draws records from a seed: the same seed, the same records. Every record keeps the rules of the store. */
export class SeededRecords {
  #state: number;
  readonly #fill: Fill;
  readonly #ids: readonly string[];
  #seq = 0;

  /** @param distinctIds how many different ids there are, so that records meet each other */
  constructor(seed: number, fill: Fill, distinctIds: number) {
    this.#state = seed;
    this.#fill = fill;
    this.#ids = Array.from({ length: distinctIds }, () => {
      const hex = this.#hex(32);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    });
  }

  /** An integer from 0 up to, and without, `end`. */
  below(end: number): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('There is nothing to pick from');
    return item;
  }

  record<Kind extends RecordKind>(kind: Kind): Records[Kind] {
    return this.#makers[kind]();
  }

  #hex(length: number): string {
    let text = '';
    while (text.length < length) text += this.below(16).toString(16);
    return text;
  }

  #id<Id extends string>(): Id {
    return this.pick(this.#ids) as Id;
  }

  #device(): DeviceId {
    return this.pick([1, 2, 127]) as DeviceId;
  }

  #flag(): boolean {
    return this.below(2) === 1;
  }

  #integer(): number {
    return this.#flag() ? this.pick(integers) : this.below(2 ** 40);
  }

  #small(): number {
    return this.below(20);
  }

  #next(): number {
    this.#seq += 1;
    return this.#seq;
  }

  #bytes(length = this.pick([0, 1, 16, 32, 33, 1_000])): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  #text(): string {
    const length = this.below(40) === 0 ? 20_000 : this.below(12);
    return Array.from({ length }, () => this.pick(pieces)).join('');
  }

  #maybe<Value>(make: () => Value): Value | undefined {
    const isSet = this.#fill === 'some' ? this.#flag() : this.#fill === 'all';
    return isSet ? make() : undefined;
  }

  #chains(): Records['session']['chains'] {
    return Array.from({ length: this.below(9) }, () => ({ ratchetKey: this.#text(), highest: this.#integer() }));
  }

  #users(): readonly UserId[] {
    return Array.from({ length: this.pick([0, 0, 1, 3]) }, () => this.#id<UserId>());
  }

  #group(): Records['group'] {
    return {
      id: this.#id(),
      wireId: this.#bytes(32),
      title: [...this.#text()].slice(0, 25).join(''),
      avatar: this.#maybe(() => this.#text()),
      adminId: this.#id(),
      state: this.#bytes(),
      head: this.#bytes(32),
      revision: this.#small(),
      knownRevision: this.#small(),
      standing: this.pick(standings),
      addedBy: this.#maybe(() => this.#id<UserId>()),
      fork: this.#maybe(() => ({
        at: this.#integer(),
        by: this.#maybe(() => this.#id<UserId>()),
        revision: this.#integer(),
        accepted: this.#flag(),
      })),
      checkpointRevision: this.#integer(),
      checkpointEpoch: this.#integer(),
      waitingFor: this.#maybe(() => ({
        keyEpoch: this.#integer(),
        keyCommitment: this.#bytes(32),
        since: this.#integer(),
        asked: this.#integer(),
        askAt: this.#integer(),
      })),
      createdAt: this.#integer(),
      updatedAt: this.#integer(),
    };
  }

  #account(): Records['account'] {
    return {
      userId: this.#id(),
      deviceId: this.#device(),
      number: this.#text(),
      username: this.#text(),
      registrationId: this.#integer(),
      identityKeyPair: this.#bytes(),
      formerIdentities: Array.from({ length: this.below(4) }, () => ({
        identityKeyPair: this.#bytes(69),
        replacedAt: this.#integer(),
      })),
      devicePrivateKey: this.#bytes(),
      rootSecret: this.#maybe(() => this.#bytes()),
      deviceList: this.#bytes(),
      profileKey: this.#bytes(),
      nextProfileKey: this.#maybe(() => this.#bytes()),
      refreshToken: this.#bytes(),
      nextRefreshToken: this.#maybe(() => this.#bytes()),
      accessToken: this.#text(),
      accessExpiresAt: this.#integer(),
      createdAt: this.#integer(),
      hasSnapshot: this.#flag(),
      ended: this.#flag(),
      endReason: this.#maybe(() => this.pick<SessionEnd>(['device-revoked', 'account-replaced', 'account-deleted'])),
      deletion: this.#maybe(() => this.#bytes(64)),
    };
  }

  #fact(): EventFact {
    const messageId = this.#id<MessageId>();
    const chatId = this.#id<ChatId>();
    const userId = this.#id<UserId>();
    return this.pick<EventFact>([
      { type: 'message.received', messageId, chatId, late: this.#flag() },
      { type: 'message.delivered', messageId, chatId, userId, at: this.#integer() },
      { type: 'message.failed', messageId, chatId, code: this.#text() },
      { type: 'envelope.held', digest: this.#text(), reason: this.#text() },
      { type: 'chat.created', chatId },
      { type: 'identity.changed', userId },
    ]);
  }

  #message(): Records['message'] {
    const toGroup = this.#flag();
    this.#seq += 1;
    return {
      id: this.#id(),
      nonce: this.#bytes(16),
      chatId: this.#id(),
      senderId: this.#id(),
      senderDevice: this.#device(),
      receiverId: toGroup ? undefined : this.#id<UserId>(),
      groupId: toGroup ? this.#id<GroupId>() : undefined,
      hasFiles: this.#flag(),
      text: `${this.#text()}.`,
      unknownContent: this.#maybe(() => this.#bytes()),
      // No two messages stand in one place, but many share a position.
      seq: this.#seq,
      position: this.#small(),
      late: this.#flag(),
      state: this.pick(messageStates),
      createdAt: this.#integer(),
      updatedAt: this.#integer(),
      acceptedAt: this.#maybe(() => this.#integer()),
      expiresAt: this.#maybe(() => this.#small()),
      recipients: toGroup ? this.#maybe(() => this.#integer()) : undefined,
      revision: toGroup ? this.#maybe(() => this.#integer()) : undefined,
      failure: this.#maybe(() => this.#text()),
    };
  }

  readonly #makers: { readonly [Kind in RecordKind]: () => Records[Kind] } = {
    account: () => this.#account(),
    registration: () => ({
      number: this.#text(),
      verificationId: this.#text(),
      expiresAt: this.#integer(),
      account: this.#maybe(() => this.#account()),
      request: this.#maybe(() => this.#text()),
    }),
    user: () => ({
      id: this.#id(),
      number: this.pick(['', 'first', 'second']),
      username: [...this.#text()].slice(0, 50).join(''),
      profileKey: this.#maybe(() => this.#bytes(32)),
      profileKeyAt: this.#maybe(() => this.#integer()),
      avatarHash: this.#maybe(() => this.#bytes(32)),
      returnsReceipts: this.#flag(),
      blockedAt: this.#maybe(() => this.#small()),
      createdAt: this.#integer(),
      updatedAt: this.#small(),
    }),
    deviceList: () => ({
      userId: this.#id(),
      rootKey: this.#bytes(),
      version: this.#integer(),
      hash: this.#bytes(),
      signed: this.#bytes(),
      begunAnew: this.#flag(),
    }),
    namedList: () => ({
      userId: this.#id(),
      version: this.#integer(),
      hash: this.#bytes(32),
      identityKey: this.#bytes(33),
      forked: this.#flag(),
    }),
    identity: () => ({
      userId: this.#id(),
      key: this.#bytes(),
      firstSeenAt: this.#integer(),
      changedAt: this.#maybe(() => this.#integer()),
      verifiedAt: this.#maybe(() => this.#integer()),
      pending: this.#maybe(() => ({ key: this.#bytes(), seenAt: this.#integer(), listed: this.#flag() })),
    }),
    session: () => ({
      userId: this.#id(),
      deviceId: this.#device(),
      record: this.#bytes(),
      chains: this.#chains(),
    }),
    prekey: () => ({
      kind: this.pick(prekeyKinds),
      id: 1 + this.#small(),
      record: this.#bytes(),
      createdAt: this.#small(),
      replacedAt: this.#maybe(() => this.#integer()),
      uploaded: this.#flag(),
    }),
    kyberUse: () => ({
      kyberId: this.#small(),
      signedId: this.#small(),
      baseKey: this.#bytes(this.below(2)),
      usedAt: this.#small(),
    }),
    chat: () => {
      const withGroup = this.#flag();
      this.#seq += 1;
      return {
        id: this.#id(),
        userId: withGroup ? undefined : this.#id<UserId>(),
        groupId: withGroup ? this.#id<GroupId>() : undefined,
        accepted: this.#flag(),
        identityPolicy: this.#maybe(() => this.pick(identityPolicies)),
        mutedUntil: this.#maybe(() => this.#integer()),
        receipts: this.#maybe(() => this.#flag()),
        nextSeq: this.#integer(),
        activity: this.#seq,
        lastMessageId: this.#maybe(() => this.#id<MessageId>()),
        unread: this.#integer(),
        readUpTo: { position: this.#integer(), seq: this.#integer() },
        createdAt: this.#integer(),
        updatedAt: this.#integer(),
      };
    },
    stream: () => ({
      chatId: this.#id(),
      userId: this.#id(),
      deviceId: this.#device(),
      highest: this.#integer(),
      gaps: Array.from({ length: this.below(5) }, () => ({
        from: this.#integer(),
        to: this.#integer(),
        position: this.#integer(),
      })),
    }),
    message: () => this.#message(),
    receipt: () => ({
      messageId: this.#id(),
      userId: this.#id(),
      state: this.pick(receiptStates),
      at: this.#integer(),
    }),
    outbox: () => {
      const recipient = this.#maybe(() => this.#id<UserId>());
      return {
        id: 1 + this.#small(),
        chatId: this.#id(),
        recipient,
        groupId: recipient === undefined ? this.#id() : this.#maybe(() => this.#id<GroupId>()),
        messageId: this.#id(),
        kind: this.pick(outboxKinds),
        visible: this.#flag(),
        content: this.#bytes(),
        partId: this.#maybe(() => 1 + this.below(2)),
        createdAt: this.#integer(),
        attempt: this.#integer(),
        sealed: this.#maybe(() => ({ sendId: this.#bytes(16), send: this.#bytes(), sealedAt: this.#integer() })),
      };
    },
    outboxPart: () => ({ id: 1 + this.below(2), content: this.#bytes() }),
    seen: () => ({ key: this.#bytes(this.pick([1, 1, 16, 32])), at: this.#small() }),
    held: () => ({
      digest: this.#bytes(1),
      envelope: this.#bytes(),
      reason: this.pick(heldReasons),
      heldAt: this.#small(),
      arrival: this.#next(),
      retries: this.#integer(),
      sender: this.#maybe(() => this.#id<UserId>()),
      messageId: this.#maybe(() => this.#id<MessageId>()),
      groupId: this.#maybe(() => this.#id<GroupId>()),
      mendable: this.#flag(),
      requests: this.#integer(),
      requestAt: this.#maybe(() => this.#small()),
    }),
    resend: () => ({
      messageId: this.#id(),
      userId: this.#id(),
      deviceId: this.#device(),
      count: this.#integer(),
      at: this.#small(),
      replaces: Array.from({ length: this.pick([0, 0, 1, 3, 8]) }, () => this.#id<MessageId>()),
    }),
    repair: () => ({
      userId: this.#id(),
      deviceId: this.#device(),
      since: this.#integer(),
      requests: this.#integer(),
      resends: this.#integer(),
      renewals: this.#integer(),
      receipts: this.#integer(),
    }),
    event: () => ({ changeSeq: 1 + this.#small(), at: this.#integer(), fact: this.#fact() }),
    cursor: () => ({
      name: this.pick(['', 'ui', 'бот', '🤖']),
      changeSeq: this.#small(),
      usedAt: this.#small(),
      expired: this.#flag(),
    }),
    ephemeralSecret: () => ({
      userId: this.#id(),
      direction: this.pick(['out', 'in'] as const),
      deviceId: this.#device(),
      secret: this.#bytes(32),
      identityKey: this.#bytes(33),
      deviceListVersion: this.#integer(),
      since: this.#integer(),
      known: this.#flag(),
    }),
    group: () => this.#group(),
    groupMember: () => {
      const groupId = this.#id<GroupId>();
      const userId = this.#id<UserId>();
      return {
        // From the key, as the real one is.
        id: `${groupId.slice(0, 18)}${userId.slice(18)}`,
        groupId,
        userId,
        joinedAt: this.#integer(),
        leftAt: this.#maybe(() => this.#integer()),
        leftSeenAt: this.#maybe(() => this.#integer()),
        passedUpTo: this.#integer(),
        goneAt: this.#maybe(() => this.#integer()),
      };
    },
    groupKey: () => ({
      groupId: this.#id(),
      keyEpoch: 1 + this.below(4),
      keyCommitment: this.#bytes(1),
      key: this.#bytes(32),
      evaluated: this.#flag(),
    }),
    groupHead: () => ({
      groupId: this.#id(),
      revision: this.#small(),
      head: this.#bytes(32),
      saidBy: this.#maybe(() => this.#id<UserId>()),
    }),
    groupIntent: () => ({
      groupId: this.#id(),
      operations: this.#bytes(),
      record: this.#bytes(),
      revision: this.#integer(),
      keyEpoch: this.#integer(),
      key: this.#maybe(() => this.#bytes(32)),
      keyRows: [this.#integer(), this.#integer()],
      welcomed: this.#users(),
      added: this.#users(),
      removed: this.#users(),
      inviteKey: this.#maybe(() => this.#bytes(32)),
      createdAt: this.#integer(),
    }),
    senderKey: () => ({
      userId: this.#id(),
      deviceId: this.#device(),
      distributionId: this.#id<string>(),
      groupId: this.#id(),
      record: this.#bytes(),
      chains: this.#chains(),
      createdAt: this.#small(),
    }),
    ownChain: () => ({
      groupId: this.#id(),
      distributionId: this.#id<string>(),
      createdAt: this.#integer(),
      messages: this.#integer(),
    }),
    senderKeyShared: () => ({
      distributionId: this.#id<string>(),
      userId: this.#id(),
      deviceId: this.#device(),
      registrationId: this.#integer(),
      at: this.#integer(),
      again: this.#flag(),
    }),
    declined: () => ({ userId: this.#id(), at: this.#small() }),
    ownDevice: () => ({ deviceId: this.#device(), heardAt: this.#integer() }),
    listIntent: () => ({
      signed: this.#bytes(),
      identityKeyPair: this.#maybe(() => this.#bytes()),
      createdAt: this.#integer(),
    }),
    certificate: () => ({
      trustRoots: Array.from({ length: this.below(4) }, () => this.#bytes(33)),
      certificate: this.#maybe(() => this.#bytes()),
      expiresAt: this.#integer(),
    }),
  };
}
