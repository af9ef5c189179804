import { ProtocolAddress } from '#libsignal';
import type { DeviceAddress } from '../ports/ids.ts';

const mostKept = 1_000;
const kept = new Map<string, ProtocolAddress>();

/** A device's address as libsignal knows it. They never change, and making one costs as much as a look at a session. */
export function protocolAddress({ userId, deviceId }: DeviceAddress): ProtocolAddress {
  const name = `${userId}.${deviceId}`;
  const known = kept.get(name);
  if (known !== undefined) return known;
  if (kept.size >= mostKept) kept.clear();
  const made = ProtocolAddress.new(userId, deviceId);
  kept.set(name, made);
  return made;
}
