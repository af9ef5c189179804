import { randomInt } from 'node:crypto';

/** Of North America. */
const areas = [206, 212, 213, 303, 312, 404, 415, 512, 617, 702];

/** Numbers one after the other, which nobody has in another world: worlds may be in one relay's accounts. */
export function somePhones(): (at: number) => string {
  const first = (areas[randomInt(areas.length)] ?? 415) * 10_000_000 + randomInt(2_000_000, 9_000_000);
  return (at) => `+1${first + at}`;
}
