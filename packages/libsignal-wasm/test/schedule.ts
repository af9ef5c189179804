import type { NamedLibrary } from './libraries.ts';
import { outcomeOf } from './outcome.ts';
import { Party, type Sent } from './party.ts';
import { Seeded } from './seeded.ts';

interface OnItsWay {
  readonly from: 0 | 1;
  readonly sent: Sent;
  /** How many its sender had sent before. */
  readonly order: number;
}

const names = ['a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0001', 'a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0002'] as const;

/** How long a burst may be that is lost as a whole, or comes after what was sent later. */
const longestBurst = 60;
const longBurst = 1_900;
/**
 * A message that so many of its sender's have overtaken is lost. Beyond that the versions differ in what they still open: the newer one counts all messages of a session from the first on in its post-quantum ratchet, and forgets those keys, too.
 */
const mostOvertaken = 2_000;

/**
 * Two devices that send, lose, reorder, repeat, and begin sessions anew, sometimes both at once. What happens follows from the seed alone, so that the same schedule on other libraries has to say the same.
 * @param count how many messages are sent
 * @returns a line for each delivery
 */
export async function runSchedule(
  seed: number,
  count: number,
  libraries: readonly [NamedLibrary, NamedLibrary],
): Promise<string[]> {
  const random = new Seeded(seed);
  const parties = [new Party(libraries[0], names[0]), new Party(libraries[1], names[1])] as const;
  const log: string[] = [];
  let way: OnItsWay[] = [];
  const delivered: OnItsWay[] = [];
  let number = 0;
  const counts: [number, number] = [0, 0];

  const send = async (from: 0 | 1): Promise<void> => {
    const text = new TextEncoder().encode(`${number++} ${'x'.repeat(random.below(300))}`);
    way.push({ from, sent: await parties[from].encrypt(parties[other(from)], text), order: counts[from]++ });
  };
  const deliver = async (message: OnItsWay): Promise<void> => {
    const to = other(message.from);
    if (counts[message.from] - message.order > mostOvertaken) return;
    const what = await outcomeOf(() => parties[to].decrypt(parties[message.from], message.sent));
    log.push(`${message.from} to ${to}: ${message.sent.type} ${what}`);
    delivered.push(message);
  };

  await parties[0].start(parties[1]);
  if (random.chance(0.5)) await parties[1].start(parties[0]);
  else await send(0).then(() => deliver(way.splice(0, 1)[0] as OnItsWay));
  let longBursts = random.chance(0.2) ? 1 : 0;
  while (number < count) {
    const from = random.chance(0.5) ? 0 : 1;
    const dice = random.next();
    if (dice < 0.45) {
      await send(from);
    } else if (dice < 0.9) {
      const at = random.chance(0.7) ? 0 : random.below(way.length);
      const [message] = way.splice(at, 1);
      if (message !== undefined) await deliver(message);
    } else if (dice < 0.94) {
      way = way.filter(() => !random.chance(0.3));
    } else if (dice < 0.97) {
      const again = delivered[random.below(delivered.length)];
      if (again !== undefined) await deliver(again);
    } else if (dice < 0.99) {
      const isLong = longBursts > 0 && count - number > longBurst;
      if (isLong) longBursts -= 1;
      for (let left = isLong ? longBurst : random.below(longestBurst); left > 0; left--) await send(from);
      if (random.chance(0.5)) way.reverse();
    } else {
      await parties[from].start(parties[other(from)]);
      if (random.chance(0.5)) await parties[other(from)].start(parties[from]);
    }
  }
  for (const message of way) await deliver(message);
  return log;
}

function other(side: 0 | 1): 0 | 1 {
  return side === 0 ? 1 : 0;
}
