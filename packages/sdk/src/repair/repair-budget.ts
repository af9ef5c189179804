import type { Overlay } from '../crypto/overlay.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import type { RepairRecord } from '../ports/repair-records.ts';

const hour = 3_600_000;

/** What repair may do for one device of somebody in an hour. Two devices count their hours apart: who is asked has to last for two hours of who asks. */
export const repairLimits = { requests: 512, resends: 1_024, renewals: 3, receipts: 64 } as const;

/** The most messages that a device of a stranger is asked for in an hour: an answer tells that somebody is there. */
export const strangerRequests = 16;

/** What is spent of a limit. */
export type RepairCost = keyof typeof repairLimits;

/**
 * Takes one from a limit, if there is one left; the caller holds `peerLock`.
 *
 * @returns `undefined` when it was taken, else when the next hour begins
 */
export async function spendRepair(
  overlay: Overlay,
  device: DeviceAddress,
  cost: RepairCost,
  now: number,
  limit: number = repairLimits[cost],
): Promise<number | undefined> {
  const { userId, deviceId } = device;
  const known = await overlay.get('repair', { userId, deviceId });
  const fresh: RepairRecord = { userId, deviceId, since: now, requests: 0, resends: 0, renewals: 0, receipts: 0 };
  const isCurrent = known !== undefined && now >= known.since && now < known.since + hour;
  const record = isCurrent ? known : fresh;
  if (record[cost] >= limit) return record.since + hour;
  overlay.put('repair', { ...record, [cost]: record[cost] + 1 });
  return undefined;
}
