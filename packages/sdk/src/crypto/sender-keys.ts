import {
  type SenderKeyRecord as Chain,
  type CiphertextMessage,
  ErrorCode,
  groupDecrypt,
  groupEncrypt,
  LibSignalErrorBase,
  type ProtocolAddress,
  processSenderKeyDistributionMessage,
  SenderKeyDistributionMessage,
  SenderKeyStore,
} from '#libsignal';
import type { SenderKeyRecord } from '../ports/group-records.ts';
import type { DeviceAddress, GroupId } from '../ports/ids.ts';
import { asBuffer } from './as-buffer.ts';
import { CallbackRecords } from './callback-records.ts';
import { Hold } from './hold.ts';
import { senderKeyOf, senderKeyRecordOf } from './live-sender-key.ts';
import type { Overlay } from './overlay.ts';
import { protocolAddress } from './protocol-address.ts';
import {
  type CheckedDistribution,
  type CheckedGroupCiphertext,
  checkIteration,
  withIteration,
} from './sender-key-precheck.ts';

/** How many chains of one device are kept in a group: what was sent under an older one has come, or will be asked for again. */
const chainsKept = 5;

/** Those that came within a day are kept, too, up to so many, and as long as all together are small: after an absence the keys of several may come in front of all that is held for want of them. */
const freshChainsKept = 16;
const freshFor = 24 * 3_600_000;
const freshBytes = 256 * 1_024;

/** libsignal's distribution ids are UUIDs as text. */
type DistributionId = Parameters<typeof groupEncrypt>[1];

/** The chains of one device in one group, in an overlay. */
class OverlaySenderKeys extends SenderKeyStore {
  /** What a saved chain is to say of what was seen of it. */
  chains: SenderKeyRecord['chains'] = [];
  private readonly records: CallbackRecords;
  private readonly sender: DeviceAddress;
  private readonly groupId: GroupId;
  private readonly now: number;

  constructor(records: CallbackRecords, sender: DeviceAddress, groupId: GroupId, now: number) {
    super();
    this.records = records;
    this.sender = sender;
    this.groupId = groupId;
    this.now = now;
  }

  override async saveSenderKey(_address: ProtocolAddress, distributionId: DistributionId, chain: Chain): Promise<void> {
    const { userId, deviceId } = this.sender;
    const known = await this.records.get('senderKey', { userId, deviceId, distributionId });
    const createdAt = known?.createdAt ?? this.now;
    const { groupId, chains } = this;
    this.records.put(
      'senderKey',
      senderKeyRecordOf({ userId, deviceId, distributionId, groupId, chains, createdAt }, chain),
    );
  }

  override async getSenderKey(_address: ProtocolAddress, distributionId: DistributionId): Promise<Chain | null> {
    const { userId, deviceId } = this.sender;
    const known = await this.records.get('senderKey', { userId, deviceId, distributionId });
    return known === undefined ? null : senderKeyOf(known);
  }
}

/** Sender keys on an overlay: one chain encrypts for a whole group. The caller holds the sender's `peerLock`, for own chains the group's `chatLock`. */
export class SenderKeys {
  private readonly overlay: Overlay;
  private readonly now: number;

  constructor(overlay: Overlay, now: number) {
    this.overlay = overlay;
    this.now = now;
  }

  /**
   * The key of an own chain as it stands: it opens what is sealed from now on. The chain is made when there is none.
   * @param distributionId a UUID
   */
  async distribution(own: DeviceAddress, groupId: GroupId, distributionId: string): Promise<Uint8Array> {
    const records = new CallbackRecords(this.overlay);
    const store = new OverlaySenderKeys(records, own, groupId, this.now);
    try {
      const message = await SenderKeyDistributionMessage.create(
        protocolAddress(own),
        distributionId as DistributionId,
        store,
      );
      return message.serialize();
    } catch (cause) {
      records.rethrow();
      throw cause;
    }
  }

  /** Encrypts for all who were given the chain. */
  async seal(
    own: DeviceAddress,
    groupId: GroupId,
    distributionId: string,
    plaintext: Uint8Array<ArrayBuffer>,
  ): Promise<CiphertextMessage> {
    const records = new CallbackRecords(this.overlay);
    const store = new OverlaySenderKeys(records, own, groupId, this.now);
    try {
      return await groupEncrypt(protocolAddress(own), distributionId as DistributionId, store, plaintext);
    } catch (cause) {
      records.rethrow();
      throw cause;
    }
  }

  /**
   * Keeps the key that a device gave for its own messages in a group: whoever gives it, only their own messages are opened with it.
   * @param older the chains of this device in the group that are in the store, oldest first
   * @throws {Hold} `group-mismatch`: the same id was given for another group
   */
  async take(
    sender: DeviceAddress,
    groupId: GroupId,
    checked: CheckedDistribution,
    older: readonly SenderKeyRecord[],
  ): Promise<void> {
    const { distributionId, message } = checked;
    const { userId, deviceId } = sender;
    const known = await this.overlay.get('senderKey', { userId, deviceId, distributionId });
    if (known !== undefined && known.groupId !== groupId) throw new Hold('group-mismatch');
    const records = new CallbackRecords(this.overlay);
    const others = older.filter((chain) => chain.distributionId !== distributionId);
    // The latest one is the last to go, also when the clock was set back.
    const now = Math.max(this.now, (others.at(-1)?.createdAt ?? 0) + 1);
    const store = new OverlaySenderKeys(records, sender, groupId, now);
    const chains = known?.chains ?? [];
    // libsignal goes on with a chain that it has: so does its counter.
    const isKnown = chains.some(({ ratchetKey }) => ratchetKey === checked.chain);
    store.chains = isKnown ? chains : withIteration(chains, checked);
    try {
      await processSenderKeyDistributionMessage(protocolAddress(sender), message, store);
    } catch (cause) {
      records.rethrow();
      throw new Hold('content-invalid', { cause });
    }
    let bytes = others.reduce((sum, { record }) => sum + record.length, 0);
    for (const [at, chain] of others.slice(0, 1 - chainsKept).entries()) {
      const isFresh = this.now < chain.createdAt + freshFor;
      if (isFresh && others.length - at < freshChainsKept && bytes <= freshBytes) continue;
      bytes -= chain.record.length;
      this.overlay.delete('senderKey', { userId, deviceId, distributionId: chain.distributionId });
    }
  }

  /**
   * Decrypts what a device sent to a group, after the precheck.
   * @throws {Hold} `no-sender-key`, `group-mismatch`, `counter-jump`, `not-a-duplicate`, `undecryptable`
   */
  async open(
    sender: DeviceAddress,
    groupId: GroupId,
    checked: CheckedGroupCiphertext,
    ciphertext: Uint8Array,
  ): Promise<Uint8Array> {
    const { userId, deviceId } = sender;
    const { distributionId } = checked;
    const known = await this.overlay.get('senderKey', { userId, deviceId, distributionId });
    if (known === undefined) throw new Hold('no-sender-key');
    if (known.groupId !== groupId) throw new Hold('group-mismatch');
    // A chain that this id was not given for: its key may still come.
    if (!known.chains.some(({ ratchetKey }) => ratchetKey === checked.chain)) throw new Hold('no-sender-key');
    checkIteration(checked, known.chains);
    const records = new CallbackRecords(this.overlay);
    const store = new OverlaySenderKeys(records, sender, groupId, this.now);
    store.chains = withIteration(known.chains, checked);
    try {
      return await groupDecrypt(protocolAddress(sender), store, asBuffer(ciphertext));
    } catch (cause) {
      records.rethrow();
      const isOld = cause instanceof LibSignalErrorBase && cause.code === ErrorCode.DuplicatedMessage;
      throw new Hold(isOld ? 'not-a-duplicate' : 'undecryptable', { cause });
    }
  }
}
