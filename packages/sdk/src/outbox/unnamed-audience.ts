import { type SendRecipientFields, uuidToBytes, uuidToText } from '@sotto/proto';
import type { Overlay } from '../crypto/overlay.ts';
import { Ratchet } from '../crypto/ratchet.ts';
import type { KeylessDevices } from '../devices/keyless-devices.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { DeviceAddress, UserId } from '../ports/ids.ts';
import type { Ways } from '../sealed/unnamed-way.ts';
import type { GroupAudience } from './group-audience.ts';
import { sendableDevices } from './sendable-devices.ts';

/** The most members who each get a copy of their own: a message to a group of which more can't be reached together goes to all in one Send, with its sender named. */
const mostApart = 32;

/** Whom of a group's audience one message reaches whose sender the relay does not know. */
export interface UnnamedAudience {
  /** For a Send that is for many: each with the access key that it shows. */
  readonly recipients: readonly SendRecipientFields[];
  /** Their devices: there is a session with each. */
  readonly devices: readonly DeviceAddress[];
  /** Members who can't be reached in that way, and the own account if it has other devices, which would tell who sends: each gets a copy of their own. */
  readonly apart: readonly UserId[];
}

/**
 * Splits a group's audience into whom one unnamed message reaches, and who gets a copy: those whose access key is not known or was refused, and those with whom there is no session yet under the identity key of their list. Copies make the sessions, so that the next message reaches them, too.
 * @returns undefined when so many would get a copy that the message should name its sender
 */
export async function unnamedAudience(
  overlay: Overlay,
  { recipients, unknown }: GroupAudience,
  {
    account,
    ways,
    keyless,
    now,
  }: {
    /** As it is in this operation. */
    readonly account: AccountRecord;
    readonly ways: Pick<Ways, 'isRefused'>;
    readonly keyless: KeylessDevices;
    readonly now: number;
  },
): Promise<UnnamedAudience | undefined> {
  const parts = { ratchet: new Ratchet(account, overlay, now), own: account, keyless };
  const together: SendRecipientFields[] = [];
  const devices: DeviceAddress[] = [];
  const apart = [...unknown];
  for (const { userId: bytes, accessKey } of recipients) {
    const userId = uuidToText(bytes ?? new Uint8Array()) as UserId;
    const found =
      userId === account.userId ||
      !accessKey ||
      ways.isRefused(userId, accessKey) ||
      (await isContradicted(overlay, userId))
        ? undefined
        : await sendableDevices(overlay, parts, userId);
    if (found === undefined || found.devices.length === 0) {
      apart.push(userId);
      continue;
    }
    together.push({ userId: uuidToBytes(userId), deviceListVersion: found.version, ...(accessKey && { accessKey }) });
    for (const { deviceId } of found.devices) devices.push({ userId, deviceId });
  }
  const others = apart.filter((userId) => userId !== account.userId);
  return others.length > mostApart ? undefined : { recipients: together, devices, apart };
}

/** Whether they have named another list than the relay has shown: nothing is sealed for them before it does. */
async function isContradicted(overlay: Overlay, userId: UserId): Promise<boolean> {
  return (await overlay.get('namedList', { userId })) !== undefined;
}
