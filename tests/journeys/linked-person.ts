import type { SottoEvent } from '@sotto/sdk';
import type { JourneyWorld } from './journey-world.ts';
import type { Person, PersonOptions } from './person.ts';

/** Another device of somebody, linked by a code that their first one scans, and connected. */
export async function anotherDevice(
  world: JourneyWorld,
  owner: Person,
  name: string,
  options: Partial<PersonOptions> = {},
): Promise<Person> {
  const device = world.newcomer({ phone: owner.phone, ...options });
  await device.open();
  await device.client.linkDevice({
    name,
    onCode: (code) => void owner.client.devices.link(code, { confirm: () => true }),
  });
  await device.live();
  await world.watch.until(() => toldOfDevices(owner, 'device.linked').includes(name));
  return device;
}

/** The names of the devices that somebody was told of. */
export function toldOfDevices({ events }: Person, type: 'device.linked' | 'device.removed'): readonly string[] {
  return events.flatMap((event: SottoEvent) => (event.type === type && 'name' in event ? [event.name] : []));
}
