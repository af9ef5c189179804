import { CiphertextKind, type SendRecipientFields, uuidToBytes } from '@sotto/proto';
import { accessKeyOf } from '../accounts/access-key.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { listedDevices } from '../devices/accepted-list.ts';
import type { GroupMember } from '../groups/group-member.ts';
import type { GroupState } from '../groups/group-state.ts';
import { ownListOf } from '../groups/stored-group.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceAddress, UserId } from '../ports/ids.ts';

/** A device that is to read a group's messages. */
export interface AudienceDevice extends DeviceAddress {
  readonly registrationId: number;
}

/** Whom a group's messages go to, as far as it is known here: nobody is waited for. */
export interface GroupAudience {
  /** For a Send: the members whose devices are known, and the own other devices. */
  readonly recipients: readonly SendRecipientFields[];
  /** All devices of those. */
  readonly devices: readonly AudienceDevice[];
  /** Members whose devices are not known yet: each gets a copy of their own. */
  readonly unknown: readonly UserId[];
  /** How many other people are members. */
  readonly others: number;
}

/** Reads who is to get what is sealed for a group in this state. Of a member with another root key than the group pins nothing is known. */
export async function audienceOf(
  overlay: Overlay,
  state: GroupState,
  account: AccountRecord,
  sha256: Sha256,
): Promise<GroupAudience> {
  const recipients: SendRecipientFields[] = [];
  const devices: AudienceDevice[] = [];
  const unknown: UserId[] = [];
  const add = (
    userId: UserId,
    version: number,
    listed: readonly AudienceDevice[],
    accessKey: Uint8Array | undefined,
  ) => {
    if (listed.length === 0) return;
    devices.push(...listed);
    recipients.push({
      userId: uuidToBytes(userId),
      deviceListVersion: version,
      devices: listed.map(({ deviceId, registrationId }) => ({
        deviceId,
        registrationId,
        kind: CiphertextKind.CIPHERTEXT_KIND_SENDER_KEY,
      })),
      ...(accessKey && { accessKey }),
    });
  };
  for (const member of state.members) {
    const { userId } = member;
    if (userId === account.userId) {
      const others = addressed(userId, account.deviceList).filter(({ deviceId }) => deviceId !== account.deviceId);
      add(userId, ownListOf(account, sha256).version, others, accessKeyOf(account.profileKey));
      continue;
    }
    const list = await overlay.get('deviceList', { userId });
    if (list === undefined) unknown.push(userId);
    else if (sameBytes(list.rootKey, member.rootKey)) {
      add(userId, list.version, addressed(userId, list.signed), await accessKeyFor(overlay, member));
    }
  }
  const others = state.members.filter(({ userId }) => userId !== account.userId).length;
  return { recipients, devices, unknown, others };
}

/** What shows that this user is a contact: what they said themselves last, else what the group says of them. */
async function accessKeyFor(overlay: Overlay, { userId, profileKey }: GroupMember): Promise<Uint8Array | undefined> {
  const known = (await overlay.get('user', { id: userId }))?.profileKey ?? profileKey;
  return known && accessKeyOf(known);
}

function addressed(userId: UserId, signed: Uint8Array): readonly AudienceDevice[] {
  return listedDevices({ signed }).map((device) => ({ ...device, userId }));
}
