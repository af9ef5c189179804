import type { Overlay } from '../crypto/overlay.ts';
import type { DeviceId } from '../ports/ids.ts';
import type { ListedDevice } from './device-list.ts';

/** Who was not heard of for this long may be taken off the list, when the relay calls it idle, too. */
const heardFor = 45 * 86_400_000;
/** It is written down no more often. */
const notedEach = 86_400_000;

/** Something came from another own device, in the caller's operation. */
export async function noteHeard(overlay: Overlay, deviceId: DeviceId, now: number): Promise<void> {
  const known = await overlay.get('ownDevice', { deviceId });
  // A time to come is one of a clock that was set back since.
  if (known !== undefined && known.heardAt <= now && now < known.heardAt + notedEach) return;
  overlay.put('ownDevice', { deviceId, heardAt: now });
}

/** Whether an own device was heard of lately, or added: then it is not idle, whatever the relay says. */
export async function isHeard(
  overlay: Pick<Overlay, 'get'>,
  { deviceId, addedAt = 0 }: Pick<ListedDevice, 'deviceId' | 'addedAt'>,
  now: number,
): Promise<boolean> {
  const heardAt = (await overlay.get('ownDevice', { deviceId }))?.heardAt ?? 0;
  return now < Math.max(addedAt, heardAt) + heardFor;
}
