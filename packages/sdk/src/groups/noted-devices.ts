import type { CheckedDeviceList } from '../devices/device-list.ts';
import type { GroupOperation } from './group-operation.ts';
import { type GroupState, memberOf } from './group-state.ts';

/** Whether a group has not noted yet that a device of this list's account was revoked, which has its state key. Each revocation brings a new identity key. */
export function isRevocationDue(state: GroupState, { userId, identitySince = 0 }: CheckedDeviceList): boolean {
  const self = memberOf(state, userId);
  return self !== undefined && self.deviceListVersion < identitySince;
}

/** The operation that takes from a revoked device what it has of a group. */
export function noteOfRevocation({ version }: Pick<CheckedDeviceList, 'version'>): GroupOperation {
  return { type: 'note-devices', version, revoked: true };
}
