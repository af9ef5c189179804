import { CiphertextKind, Send, type SendDeviceFields, type SendFields, uuidToBytes } from '@sotto/proto';
import { accessKeyOf } from '../accounts/access-key.ts';
import { refuseWhenEnded } from '../accounts/standing.ts';
import { chatLock, chatOfGroup } from '../chats/chat-state.ts';
import { isSendingBlocked } from '../chats/identity-policy.ts';
import type { Executor } from '../crypto/executor.ts';
import { identityChangedAdvice } from '../crypto/identity-trust.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { pad } from '../crypto/padding.ts';
import { peerLock, Ratchet } from '../crypto/ratchet.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { listedDevices, listedIdentity, type SendableDevice } from '../devices/accepted-list.ts';
import { secretToGive } from '../ephemeral/ephemeral-secrets.ts';
import { contentForDevice } from '../messages/outgoing-content.ts';
import { hasBlocked } from '../people/blocked.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { UserId } from '../ports/ids.ts';
import type { IdentityPolicy } from '../ports/key-records.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { NamedListRecord } from '../ports/user-record.ts';
import { SottoError } from '../sotto-error.ts';
import { ownWordsTo } from './own-words.ts';
import { newSendId } from './send-id.ts';

/** A sealed attempt without a result for this long is sealed anew. */
const sealedFor = 7 * 24 * 3_600_000;

/** What became of the wish to seal. */
export type SealOutcome =
  | { readonly status: 'sealed'; readonly send: SendFields; readonly sendId: Uint8Array }
  /** Sessions with the recipient's devices must be made first. */
  | { readonly status: 'needs-sessions' }
  /** The recipient's device list must be known first. */
  | { readonly status: 'needs-devices' }
  /** It is not in the outbox any more. */
  | { readonly status: 'gone' }
  /** It could not be sealed, and those behind it were not tried. */
  | { readonly status: 'failed'; readonly error: SottoError };

/** Encrypts what stands at the head of the outbox: ratchets, ciphertexts and device-list version in one commit. */
export class Sealer {
  private readonly executor: Executor;
  private readonly account: () => AccountRecord;
  private readonly clock: Clock;
  private readonly randomness: Randomness;
  private readonly identityPolicy: IdentityPolicy;
  private readonly returnsReceipts: () => boolean;

  constructor(parts: {
    readonly executor: Executor;
    readonly account: () => AccountRecord;
    readonly clock: Clock;
    readonly randomness: Randomness;
    /** What a new identity key does, where the chat does not say. */
    readonly identityPolicy: IdentityPolicy;
    /** Whether receipts are given, where the chat does not say. */
    readonly returnsReceipts: () => boolean;
  }) {
    this.executor = parts.executor;
    this.account = parts.account;
    this.clock = parts.clock;
    this.randomness = parts.randomness;
    this.identityPolicy = parts.identityPolicy;
    this.returnsReceipts = parts.returnsReceipts;
  }

  /**
   * Gives the sealed attempts of records of one chat, in their order: those that were committed before, and new ones, in one commit. It ends early at the first that can't be sealed.
   * @throws {SottoError} `session-ended`, and what the store throws: nothing was sealed
   */
  async seal(records: readonly SealableRecord[]): Promise<readonly SealOutcome[]> {
    const known = records.map((record) => this.usable(record));
    const first = records[known.indexOf(undefined)];
    // The last type of `known` is narrowed by hand: none is undefined when there is no first.
    if (first === undefined) return known.filter((outcome) => outcome !== undefined);
    return this.executor.run(
      [peerLock(first.recipient), chatLock(first.chatId)],
      (overlay) => this.sealOn(overlay, first.recipient, records),
      { before: 'seal.before-commit', after: 'seal.committed' },
    );
  }

  private usable({ sealed }: Pick<OutboxRecord, 'sealed'>): SealOutcome | undefined {
    if (sealed === undefined || sealed.sealedAt + sealedFor < this.clock.now()) return undefined;
    return { status: 'sealed', send: Send.decode(sealed.send), sendId: sealed.sendId };
  }

  private async sealOn(
    overlay: Overlay,
    recipient: UserId,
    records: readonly SealableRecord[],
  ): Promise<readonly SealOutcome[]> {
    await refuseWhenEnded(overlay);
    const now = this.clock.now();
    const ratchet = new Ratchet(this.account(), overlay, now);
    const named = await overlay.get('namedList', { userId: recipient });
    const blocked = await isSendingBlocked(overlay, recipient, this.identityPolicy);
    const targets = named || blocked ? undefined : await this.targetsOf(overlay, ratchet, recipient);
    const outcomes: SealOutcome[] = [];
    for (const { id } of records) {
      const outcome = await this.sealOne(overlay, ratchet, { named, blocked, targets }, id, now);
      outcomes.push(outcome);
      if (outcome.status !== 'sealed' && outcome.status !== 'gone') break;
    }
    return outcomes;
  }

  /** The devices to seal for, when there are sessions with all of them under the identity key that their list names. */
  private async targetsOf(overlay: Overlay, ratchet: Ratchet, userId: UserId): Promise<Targets | undefined> {
    const list = await overlay.get('deviceList', { userId });
    const identity = await overlay.get('identity', { userId });
    if (list === undefined || identity === undefined || identity.pending !== undefined) return undefined;
    if (!sameBytes(identity.key, listedIdentity(list))) return undefined;
    const devices = listedDevices(list);
    for (const { deviceId, registrationId } of devices) {
      if (!(await ratchet.canSend({ userId, deviceId }, registrationId))) return undefined;
    }
    const { version } = list;
    const ephemeralSecret = await secretToGive(overlay, {
      userId,
      ownDevice: this.account().deviceId,
      deviceListVersion: version,
      randomness: this.randomness,
    });
    return { version, devices, accessKey: await accessKeyFor(overlay, userId), ephemeralSecret };
  }

  private async sealOne(
    overlay: Overlay,
    ratchet: Ratchet,
    { named, blocked, targets }: Recipient,
    id: number,
    now: number,
  ): Promise<SealOutcome> {
    const record = await overlay.get('outbox', { id });
    if (record === undefined) return { status: 'gone' };
    // What was queued before is gone with the block; this is what somebody has queued since.
    if (record.groupId === undefined && (await hasBlocked(overlay, record.recipient))) {
      overlay.delete('outbox', { id });
      return { status: 'gone' };
    }
    const known = this.usable(record);
    if (known !== undefined) return known;
    // A list that was contradicted is asked for by itself: bundles are handed out sparingly.
    if (named && (named.forked || record.kind === 'retry-request')) return { status: 'needs-devices' };
    if (record.kind === 'retry-request') return this.sealRequest(overlay, record, now);
    if (blocked) {
      return { status: 'failed', error: new SottoError('identity-changed', identityChangedAdvice) };
    }
    if (targets === undefined) return { status: 'needs-sessions' };
    try {
      return await this.encrypt(overlay, ratchet, targets, record, now);
    } catch (error) {
      if (error instanceof SottoError && error.code === 'identity-changed') {
        // The list names the trusted key, so it is the session that is under another one: what came late, or was forged, has made it the current one.
        for (const { deviceId } of targets.devices) await ratchet.setAside({ userId: record.recipient, deviceId });
        return { status: 'needs-sessions' };
      }
      if (error instanceof SottoError && !error.code.startsWith('store-')) return { status: 'failed', error };
      throw error;
    }
  }

  /** A request goes in clear to all devices of the list: those that did not write the message pass it over. */
  private async sealRequest(overlay: Overlay, record: OutboxRecord, now: number): Promise<SealOutcome> {
    const list = await overlay.get('deviceList', { userId: record.recipient });
    if (list === undefined) return { status: 'needs-devices' };
    const { content: ciphertext } = record;
    const kind = CiphertextKind.CIPHERTEXT_KIND_RETRY_REQUEST;
    const devices = listedDevices(list).map((device) => ({ ...device, kind, ciphertext }));
    const to = { version: list.version, accessKey: await accessKeyFor(overlay, record.recipient) };
    return this.putSealed(overlay, record, to, devices, now);
  }

  private async encrypt(
    overlay: Overlay,
    ratchet: Ratchet,
    targets: Targets,
    record: OutboxRecord,
    now: number,
  ): Promise<SealOutcome> {
    const { recipient, chatId, groupId } = record;
    const self = { account: this.account(), returnsReceipts: this.returnsReceipts() };
    const own = await ownWordsTo(overlay, self, groupId === undefined ? chatId : chatOfGroup(groupId), recipient);
    const { ephemeralSecret } = targets;
    const devices = [];
    for (const { deviceId, registrationId } of targets.devices) {
      const plaintext = pad(contentForDevice(record.content, { deviceId, own, ephemeralSecret }));
      const sealed = await ratchet.seal({ userId: record.recipient, deviceId }, plaintext);
      devices.push({ deviceId, registrationId, ...sealed });
    }
    return this.putSealed(overlay, record, targets, devices, now);
  }

  private putSealed(
    overlay: Overlay,
    record: OutboxRecord,
    { version, accessKey }: Pick<Targets, 'version' | 'accessKey'>,
    devices: SendDeviceFields[],
    now: number,
  ): SealOutcome {
    const sendId = newSendId(now, this.randomness);
    const attempt = record.attempt + 1;
    const send: SendFields = {
      sendId,
      messageId: uuidToBytes(record.messageId),
      attempt,
      suite: 1,
      urgent: record.visible,
      recipients: [
        {
          userId: uuidToBytes(record.recipient),
          deviceListVersion: version,
          devices,
          ...(accessKey && { accessKey }),
        },
      ],
    };
    const sealed = { sendId, send: Send.encode(send), sealedAt: now };
    overlay.put('outbox', { ...record, attempt, sealed }, ['attempt', 'sealed']);
    return { status: 'sealed', send, sendId };
  }
}

/** What of a record says how to seal it. */
export type SealableRecord = Pick<OutboxRecord, 'id' | 'chatId' | 'recipient' | 'sealed'>;

/** What is known of a recipient before any record is looked at. */
interface Recipient {
  /** The list that they named and the relay has not shown. */
  readonly named: NamedListRecord | undefined;
  /** The user has to accept a new identity key first. One that no device list was seen to name is looked up before that. */
  readonly blocked: boolean;
  /** Undefined when sessions must be made first. */
  readonly targets: Targets | undefined;
}

interface Targets {
  /** Of the device list. */
  readonly version: number;
  readonly devices: readonly SendableDevice[];
  /** Of the recipient, if their profile key is known. */
  readonly accessKey: Uint8Array | undefined;
  /** The own one, as long as they are not known to have it. */
  readonly ephemeralSecret: Uint8Array | undefined;
}

async function accessKeyFor(overlay: Overlay, userId: UserId): Promise<Uint8Array | undefined> {
  const profileKey = (await overlay.get('user', { id: userId }))?.profileKey;
  return profileKey && accessKeyOf(profileKey);
}
