import { uuidToText } from '@sotto/proto';
import type { CiphertextMessage } from '#libsignal';
import type { Overlay } from '../crypto/overlay.ts';
import { SenderKeys } from '../crypto/sender-keys.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import type { GroupRecord, OwnChainRecord, SenderKeySharedRecord } from '../ports/group-records.ts';
import type { UserId } from '../ports/ids.ts';
import type { IdentityRecord } from '../ports/key-records.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { AudienceDevice, GroupAudience } from './group-audience.ts';
import { addHiddenToMember } from './hidden-row.ts';
import { isKnownToOthers, isSpent, withoutKey } from './own-chain.ts';

/** What the chain of a group works with, in one operation that holds the group's `chatLock`. */
export interface GroupChainParts {
  readonly overlay: Overlay;
  readonly store: Pick<StoreQueries, 'senderKeyShared'>;
  readonly origin: ContentOrigin;
  readonly group: GroupRecord;
  readonly audience: GroupAudience;
  readonly now: number;
}

/**
 * The chain under which this device seals for a group: made anew when it is used up, or when somebody has its key who is not to read on.
 *
 * Whoever has not been given the current one gets it by a row in their own queue, in the same operation. The group's messages don't wait for it: who has no key holds them until it comes.
 */
export class GroupChain {
  /** In whose queues keys were put, and the rows of the last ones. */
  readonly given = new Map<UserId, number>();
  private readonly parts: GroupChainParts;
  private readonly keys: SenderKeys;
  private chain: OwnChainRecord | undefined;

  constructor(parts: GroupChainParts) {
    this.parts = parts;
    this.keys = new SenderKeys(parts.overlay, parts.now);
  }

  /** Encrypts one message for all who have the chain, or are given it now. */
  async seal(plaintext: Uint8Array<ArrayBuffer>): Promise<CiphertextMessage> {
    const { overlay, origin, group } = this.parts;
    const chain = await this.ready();
    const message = await this.keys.seal(origin.account, group.id, chain.distributionId, plaintext);
    this.chain = { ...chain, messages: chain.messages + 1 };
    overlay.put('ownChain', this.chain);
    return message;
  }

  /** Sees to it that all who are to have the chain have it, or are given it by what is queued now: what is queued for them after this comes behind it. */
  async ready(): Promise<OwnChainRecord> {
    const chain = this.chain ?? (await this.current());
    this.chain = isSpent(chain, this.parts.now) ? await this.renew(chain) : chain;
    return this.chain;
  }

  /** The chain to go on with, known to the whole audience and to nobody else. */
  private async current(): Promise<OwnChainRecord> {
    const { overlay, group, audience, now } = this.parts;
    const known = await overlay.get('ownChain', { groupId: group.id });
    if (known === undefined || isSpent(known, now)) return this.renew(known);
    const shared = await this.sharedOf(known);
    if (isKnownToOthers(shared, audience.devices, await this.identities())) return this.renew(known);
    await this.give(known, withoutKey(shared, audience.devices));
    return known;
  }

  private async renew(old: OwnChainRecord | undefined): Promise<OwnChainRecord> {
    const { overlay, origin, group, audience, now } = this.parts;
    const { userId, deviceId } = origin.account;
    if (old !== undefined) {
      overlay.prune({ kind: 'senderKeyShared', distributionId: old.distributionId });
      overlay.delete('senderKey', { userId, deviceId, distributionId: old.distributionId });
    }
    const distributionId = uuidToText(origin.randomness.bytes(16));
    const chain = { groupId: group.id, distributionId, createdAt: now, messages: 0 };
    overlay.put('ownChain', chain);
    await this.give(chain, audience.devices);
    return chain;
  }

  /** Queues the key of the chain for the owners of these devices. */
  private async give({ distributionId }: OwnChainRecord, devices: readonly AudienceDevice[]): Promise<void> {
    const { overlay, origin, group, now } = this.parts;
    if (devices.length === 0) return;
    const distribution = await this.keys.distribution(origin.account, group.id, distributionId);
    const fields = { senderKeyDistribution: { groupId: group.wireId, distribution } };
    for (const userId of new Set(devices.map((device) => device.userId))) {
      this.given.set(userId, addHiddenToMember(overlay, origin, userId, group, fields, now).id);
    }
    for (const { userId, deviceId, registrationId } of devices) {
      overlay.put('senderKeyShared', { distributionId, userId, deviceId, registrationId, at: now, again: false });
    }
  }

  private async sharedOf({ distributionId }: OwnChainRecord): Promise<readonly SenderKeySharedRecord[]> {
    const { overlay, store } = this.parts;
    const stored = await store.senderKeyShared(distributionId);
    // An operation before this one in the batch may have taken some back.
    const current = await Promise.all(stored.map((one) => overlay.get('senderKeyShared', one)));
    return current.filter((one) => one !== undefined);
  }

  private async identities(): Promise<ReadonlyMap<string, IdentityRecord>> {
    const { overlay, audience } = this.parts;
    const identities = new Map<string, IdentityRecord>();
    for (const userId of new Set(audience.devices.map((device) => device.userId))) {
      const identity = await overlay.get('identity', { userId });
      if (identity !== undefined) identities.set(userId, identity);
    }
    return identities;
  }
}
