import { hexLines, holdsText, oneStoredEnvelope } from './relay-contents.ts';
import type { Stage } from './stage.ts';
import type { UserProcess } from './user-process.ts';

const ticks: { readonly [state: string]: string } = { queued: '◷', sent: '✓', delivered: '✓✓', read: '✓✓ read' };

/** The demo's own messages: three users, one away, the relay killed in between. */
export async function play(stage: Stage): Promise<readonly UserProcess[]> {
  const { say, relay, ledger } = stage;
  await relay.start();
  say(`relay    listens on ${relay.url}: one process, SQLite`);
  const alice = await stage.newUser('Alice', '+14155550101');
  const bob = await stage.newUser('Bob', '+14155550102');
  const carol = await stage.newUser('Carol', '+442079460103');
  say('users    Alice, Bob and Carol registered, each a process with a database of its own');
  stage.showArrivals((user, { from, text, late }) => {
    say(`${user.name.padEnd(8)} <- ${stage.nameOf(from)}: ${text}${late ? '  (late)' : ''}`);
  });

  const first = await sendAll(stage, alice, bob, ['Hello Bob, can you read this?', 'שלום · こんにちは · 👋🏽']);
  await ledger.reached('read', first);
  await ledger.reached('read', await sendAll(stage, bob, alice, ['Every word.']));
  say(`ticks    ${ticks.read}: Bob's device has it, Bob has seen it, Alice knows`);

  await bob.stop();
  say('Bob      goes away: his process ends');
  const secret = `the key is under the third stone ${Math.random().toString(36).slice(2)}`;
  const waiting = [
    ...(await sendAll(stage, alice, bob, [secret])),
    ...(await sendAll(stage, carol, bob, ['Bob? It is Carol.'])),
  ];
  await ledger.reached('sent', waiting);
  showRelay(stage, secret);

  await relay.kill();
  say('relay    killed with SIGKILL');
  const offline = await sendAll(stage, alice, bob, ['sent while there is no relay', 'and one more']);
  say(`Alice    queued ${offline.length} messages while offline (${ticks.queued})`);
  await relay.start();
  say('relay    runs again, on the same data');
  await ledger.reached('sent', offline);
  say(`ticks    ${ticks.sent}: the relay has them all on disk`);

  await bob.start();
  say('Bob      is back');
  await ledger.reached('read', [...waiting, ...offline]);
  await ledger.reached('read', await sendAll(stage, carol, alice, ['Alice, is he there?']));
  await ledger.reached('read', await sendAll(stage, bob, carol, ['I am.']));
  say(`ticks    ${ticks.read}: all of them, once and in order`);
  await showQuiet(stage);
  return [alice, bob, carol];
}

async function sendAll(
  stage: Stage,
  from: UserProcess,
  to: UserProcess,
  texts: readonly string[],
): Promise<readonly string[]> {
  const ids = await from.send(to, texts);
  stage.ledger.add(to, ids);
  return ids;
}

function showRelay(stage: Stage, secret: string): void {
  const { waiting, envelope } = oneStoredEnvelope(stage.relayFolder);
  stage.say(`relay    holds ${waiting} envelopes for Bob; the last one, ${envelope.length} bytes, begins with`);
  for (const line of hexLines(envelope, 6)) stage.say(`         ${line}`);
  if (holdsText(stage.relayFolder, secret)) throw new Error('the relay holds a text in clear');
  stage.say('         and no file of the relay holds the text');
}

/** Acks are on their way for a moment after the last tick. */
async function showQuiet(stage: Stage): Promise<void> {
  while (oneStoredEnvelope(stage.relayFolder).waiting > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  stage.say('relay    holds nothing any more');
}
