import type { Stage } from './stage.ts';
import type { UserProcess } from './user-process.ts';

/** How many lines go to the user's process at once. */
const linesAtOnce = 500;

/** Sends each line of a file from Alice to Bob: half while Bob is away, and the relay is killed once. */
export async function playFile(
  stage: Stage,
  lines: readonly string[],
  received: string | undefined,
): Promise<readonly UserProcess[]> {
  const { say, relay, ledger } = stage;
  say(`file     ${lines.length} lines that are not blank`);
  await relay.start();
  const alice = await stage.newUser('Alice', '+14155550101');
  const bob = await stage.newUser('Bob', '+14155550102');
  say(`users    Alice and Bob registered at ${relay.url}`);

  const half = Math.ceil(lines.length / 2);
  const first = await sendLines(stage, alice, bob, lines.slice(0, half));
  await ledger.reached('read', first);
  say(`ticks    the first ${first.length} were read by Bob`);

  await bob.stop();
  say('Bob      goes away: his process ends');
  const second = await sendLines(stage, alice, bob, lines.slice(half, half + Math.ceil((lines.length - half) / 2)));
  await relay.kill();
  say('relay    killed with SIGKILL, in the middle of it');
  const rest = await sendLines(stage, alice, bob, lines.slice(half + second.length));
  await relay.start();
  say('relay    runs again, on the same data');
  await ledger.reached('sent', [...second, ...rest]);
  say(`ticks    the relay has the other ${second.length + rest.length} on disk`);

  await bob.start();
  say('Bob      is back');
  await ledger.reached('read', [...second, ...rest]);
  if (received !== undefined) {
    const count = await bob.write(alice, received);
    say(`Bob      wrote ${count} messages, one a line: compare them with cmp`);
  }
  return [alice, bob];
}

async function sendLines(
  stage: Stage,
  from: UserProcess,
  to: UserProcess,
  lines: readonly string[],
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let at = 0; at < lines.length; at += linesAtOnce) {
    ids.push(...(await stage.send(from, to, lines.slice(at, at + linesAtOnce))));
  }
  return ids;
}
