import { CiphertextKind, Send, type SendDeviceFields, type SendFields, uuidToBytes } from '@sotto/proto';
import { accessKeyOf } from '../accounts/access-key.ts';
import { usableAccount } from '../accounts/standing.ts';
import { chatLock, chatOfGroup } from '../chats/chat-state.ts';
import { isSendingBlocked } from '../chats/identity-policy.ts';
import type { Executor } from '../crypto/executor.ts';
import { identityChangedAdvice } from '../crypto/identity-trust.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { pad } from '../crypto/padding.ts';
import { peerLock, Ratchet } from '../crypto/ratchet.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { SealedOrigin } from '../crypto/sealed-seal.ts';
import { listedDevices, listedIdentity } from '../devices/accepted-list.ts';
import type { KeylessDevices } from '../devices/keyless-devices.ts';
import { secretToGive } from '../ephemeral/ephemeral-secrets.ts';
import { memberOf } from '../groups/group-state.ts';
import { stateOf } from '../groups/stored-group.ts';
import { contentForDevice, type DevicePart } from '../messages/outgoing-content.ts';
import { hasBlocked } from '../people/blocked.ts';
import { leavesForBlocked, withdrawFromBlocked } from '../people/withdraw.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import type { IdentityPolicy } from '../ports/key-records.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { DeviceListRecord, NamedListRecord } from '../ports/user-record.ts';
import type { Way, Ways } from '../sealed/unnamed-way.ts';
import { SottoError } from '../sotto-error.ts';
import { wholeContent } from './hidden-row.ts';
import { ownWordsTo } from './own-words.ts';
import { goesOn, type RowSealer, type SealableRecord, type SealOutcome, sealedBefore } from './row-sealer.ts';
import { newSendId } from './send-id.ts';
import { type SendableDevices, sendableDevices } from './sendable-devices.ts';

/** What `PairwiseSealer` works with. */
export interface PairwiseSealerParts {
  readonly executor: Executor;
  readonly account: () => AccountRecord;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** What a new identity key does, where the chat does not say. */
  readonly identityPolicy: IdentityPolicy;
  /** Devices that nobody can begin a session with. */
  readonly keyless: KeylessDevices;
  /** Whether receipts are given, where the chat does not say. */
  readonly returnsReceipts: () => boolean;
  /** Who may know the sender: the recipient alone, or the relay too. */
  readonly ways: Ways;
}

/** Encrypts what goes to one person: ratchets, ciphertexts and device-list version in one commit. */
export class PairwiseSealer implements RowSealer<PairwiseRow> {
  private readonly executor: Executor;
  private readonly account: () => AccountRecord;
  private readonly clock: Clock;
  private readonly randomness: Randomness;
  private readonly identityPolicy: IdentityPolicy;
  private readonly keyless: KeylessDevices;
  private readonly returnsReceipts: () => boolean;
  private readonly ways: Ways;

  constructor(parts: PairwiseSealerParts) {
    this.executor = parts.executor;
    this.account = parts.account;
    this.clock = parts.clock;
    this.randomness = parts.randomness;
    this.identityPolicy = parts.identityPolicy;
    this.keyless = parts.keyless;
    this.returnsReceipts = parts.returnsReceipts;
    this.ways = parts.ways;
  }

  /**
   * Seals records of one chat to one person, in one commit. It ends early at the first that can't be sealed.
   * @throws {SottoError} `session-ended`, and what the store throws: nothing was sealed
   */
  async seal(records: readonly PairwiseRow[]): Promise<readonly SealOutcome[]> {
    const [first] = records;
    if (first === undefined) return [];
    return this.executor.run(
      [peerLock(first.recipient), chatLock(first.chatId)],
      (overlay) => this.sealOn(overlay, first.recipient, records),
      { before: 'seal.before-commit', after: 'seal.committed' },
    );
  }

  private async sealOn(
    overlay: Overlay,
    recipient: UserId,
    records: readonly PairwiseRow[],
  ): Promise<readonly SealOutcome[]> {
    // As it is in this operation: it may have another identity key than its caller knows of.
    const account = usableAccount(await overlay.get('account', {}));
    const now = this.clock.now();
    const ratchet = new Ratchet(account, overlay, now);
    const named = await overlay.get('namedList', { userId: recipient });
    const blocked = await isSendingBlocked(overlay, recipient, this.identityPolicy);
    const targets = named || blocked ? undefined : await this.targetsOf(overlay, ratchet, recipient, account);
    const way = await this.ways.to(overlay, recipient, account);
    const outcomes: SealOutcome[] = [];
    for (const { id } of records) {
      const outcome = await this.sealOne(overlay, ratchet, { named, blocked, targets, way }, id, now);
      outcomes.push(outcome);
      if (!goesOn(outcome)) break;
    }
    return outcomes;
  }

  private async targetsOf(
    overlay: Overlay,
    ratchet: Ratchet,
    userId: UserId,
    own: AccountRecord,
  ): Promise<Targets | undefined> {
    const found = await sendableDevices(overlay, { ratchet, own, keyless: this.keyless }, userId);
    if (found === undefined) return undefined;
    const ephemeralSecret = await secretToGive(overlay, {
      userId,
      ownDevice: own.deviceId,
      deviceListVersion: found.version,
      randomness: this.randomness,
    });
    return { ...found, accessKey: await accessKeyFor(overlay, userId), ephemeralSecret };
  }

  private async sealOne(
    overlay: Overlay,
    ratchet: Ratchet,
    { named, blocked, targets, way }: Recipient,
    id: number,
    now: number,
  ): Promise<SealOutcome> {
    const found = await overlay.get('outbox', { id });
    if (found?.recipient === undefined) return { status: 'gone' };
    const record = { ...found, recipient: found.recipient };
    // What was queued before is gone with a block on this device; this was queued since, or the block is another own device's.
    if ((await hasBlocked(overlay, record.recipient)) && !(await leavesForBlocked(overlay, record))) {
      await withdrawFromBlocked(overlay, record, now);
      return { status: 'gone' };
    }
    const known = sealedBefore(record, now);
    if (known !== undefined) return known;
    // A list that was contradicted is asked for by itself: bundles are handed out sparingly.
    if (named && (named.forked || record.kind === 'retry-request')) return { status: 'needs-devices' };
    if (record.kind === 'retry-request') {
      return way.way === 'needs-certificate'
        ? { status: way.way }
        : this.sealRequest(overlay, ratchet, record, way, now);
    }
    if (blocked) {
      return { status: 'failed', error: new SottoError('identity-changed', identityChangedAdvice) };
    }
    const group = record.groupId === undefined ? undefined : await placeFor(overlay, record.groupId, record.recipient);
    // What belongs to a group is none of the business of who is no member any more.
    if (typeof group === 'string') return { status: 'outside', code: group };
    if (targets === undefined) return { status: 'needs-sessions' };
    if (targets.devices.length === 0) {
      // For the own other devices, of which there is none.
      overlay.delete('outbox', { id });
      return { status: 'gone' };
    }
    if (way.way === 'needs-certificate') return { status: 'needs-certificate' };
    try {
      return await this.encrypt(overlay, ratchet, { ...targets, group, way }, record, now);
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

  /** A request goes to all devices of the list: those that did not write the message pass it over. Nothing of it is secret; without the sender's name it stands in an outer layer, for which no session is needed. */
  private async sealRequest(
    overlay: Overlay,
    ratchet: Ratchet,
    record: PairwiseRecord,
    way: Exclude<Way, { readonly way: 'needs-certificate' }>,
    now: number,
  ): Promise<SealOutcome> {
    const { recipient: userId, content } = record;
    const list = await overlay.get('deviceList', { userId });
    if (list === undefined) return { status: 'needs-devices' };
    const unnamed = (await isListed(overlay, userId, list)) ? originOf(record, way) : undefined;
    const own = this.account();
    const devices: SendDeviceFields[] = [];
    for (const { deviceId, registrationId } of listedDevices(list)) {
      if (userId === own.userId && deviceId === own.deviceId) continue;
      const sealed =
        unnamed === undefined
          ? { kind: CiphertextKind.CIPHERTEXT_KIND_RETRY_REQUEST, ciphertext: content }
          : await ratchet.sealRequest({ userId, deviceId }, content, unnamed);
      devices.push({ deviceId, registrationId, ...sealed });
    }
    const to = { version: list.version, accessKey: await accessKeyFor(overlay, userId) };
    return this.putSealed(overlay, record, to, devices, unnamed && way, now);
  }

  private async encrypt(
    overlay: Overlay,
    ratchet: Ratchet,
    targets: Targets & Pick<DevicePart, 'group'> & Pick<Recipient, 'way'>,
    record: PairwiseRecord,
    now: number,
  ): Promise<SealOutcome> {
    const { recipient, chatId, groupId } = record;
    const self = { account: this.account(), returnsReceipts: this.returnsReceipts(), now };
    const own = await ownWordsTo(overlay, self, groupId === undefined ? chatId : chatOfGroup(groupId), recipient);
    const { ephemeralSecret, group, way } = targets;
    const unnamed = originOf(record, way);
    const content = await wholeContent(overlay, record);
    const devices = [];
    for (const { deviceId, registrationId } of targets.devices) {
      const plaintext = pad(contentForDevice(content, { deviceId, own, ephemeralSecret, group }));
      const device = { userId: record.recipient, deviceId };
      const sealed = await (unnamed === undefined
        ? ratchet.seal(device, plaintext)
        : ratchet.sealUnnamed(device, plaintext, unnamed));
      devices.push({ deviceId, registrationId, ...sealed });
    }
    return this.putSealed(overlay, record, targets, devices, way, now);
  }

  private putSealed(
    overlay: Overlay,
    record: PairwiseRecord,
    { version, accessKey: known }: Pick<Targets, 'version' | 'accessKey'>,
    devices: SendDeviceFields[],
    way: Way | undefined,
    now: number,
  ): SealOutcome {
    const isUnnamed = way?.way === 'unnamed';
    const accessKey = isUnnamed ? way.accessKey : known;
    const sendId = newSendId(now, this.randomness);
    const attempt = record.attempt + 1;
    const send: SendFields = {
      sendId,
      ...(!isUnnamed && { messageId: uuidToBytes(record.messageId) }),
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

/** What of a record for one person says how to seal it. */
export type PairwiseRow = SealableRecord & { readonly recipient: UserId };

type PairwiseRecord = OutboxRecord & { readonly recipient: UserId };

/** What is known of a recipient before any record is looked at. */
interface Recipient {
  /** The list that they named and the relay has not shown. */
  readonly named: NamedListRecord | undefined;
  /** The user has to accept a new identity key first. One that no device list was seen to name is looked up before that. */
  readonly blocked: boolean;
  /** Undefined when sessions must be made first. */
  readonly targets: Targets | undefined;
  /** Whether the relay may know who sends. */
  readonly way: Way;
}

interface Targets extends SendableDevices {
  /** Of the recipient, if their profile key is known. */
  readonly accessKey: Uint8Array | undefined;
  /** The own one, as long as they are not known to have it. */
  readonly ephemeralSecret: Uint8Array | undefined;
}

/** Where a group is, for one of its members under the root key that the group pins; for anybody else the reason why nothing of it goes to them. */
async function placeFor(
  overlay: Overlay,
  groupId: GroupId,
  recipient: UserId,
): Promise<NonNullable<DevicePart['group']> | 'group-not-member' | 'group-recipients-left'> {
  const group = await overlay.get('group', { id: groupId });
  const state = group?.standing === 'member' ? stateOf(group) : undefined;
  if (group === undefined || state === undefined) return 'group-not-member';
  const member = memberOf(state, recipient);
  if (member === undefined) return 'group-recipients-left';
  const list = await overlay.get('deviceList', { userId: recipient });
  if (list !== undefined && !sameBytes(list.rootKey, member.rootKey)) return 'group-recipients-left';
  return { recipient, revision: group.revision, head: group.head };
}

/** What the recipient alone is shown of the sender; undefined when the sender is named. */
function originOf({ messageId }: PairwiseRecord, way: Way): SealedOrigin | undefined {
  if (way.way !== 'unnamed') return undefined;
  return { certificate: way.certificate, context: { messageId: uuidToBytes(messageId) } };
}

/** Whether the identity key that is trusted for somebody is the one of their list: under another one their devices open no outer layer. */
async function isListed(overlay: Overlay, userId: UserId, list: DeviceListRecord): Promise<boolean> {
  const identity = await overlay.get('identity', { userId });
  return identity !== undefined && sameBytes(identity.key, listedIdentity(list));
}

async function accessKeyFor(overlay: Overlay, userId: UserId): Promise<Uint8Array | undefined> {
  const profileKey = (await overlay.get('user', { id: userId }))?.profileKey;
  return profileKey && accessKeyOf(profileKey);
}
