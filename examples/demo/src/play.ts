import { hexLines, holdsText, oneStoredEnvelope } from './relay-contents.ts';
import type { Stage } from './stage.ts';
import type { UserProcess } from './user-process.ts';

const ticks: { readonly [state: string]: string } = { queued: '◷', sent: '✓', delivered: '✓✓', read: '✓✓ read' };

/** The demo's own messages: three users and their group, one away, the relay killed in between. */
export async function play(stage: Stage): Promise<readonly UserProcess[]> {
  const { say, relay, ledger } = stage;
  await relay.start();
  say(`relay    listens on ${relay.url}: one process, SQLite`);
  const alice = await stage.newUser('Alice', '+14155550101');
  const bob = await stage.newUser('Bob', '+14155550102');
  const carol = await stage.newUser('Carol', '+442079460103');
  say('users    Alice, Bob and Carol registered, each a process with a database of its own');
  stage.showArrivals((user, { from, group, text, late }) => {
    const where = group === undefined ? '' : ` in ${group}`;
    say(`${user.name.padEnd(8)} <- ${stage.nameOf(from)}${where}: ${text}${late ? '  (late)' : ''}`);
  });

  const first = await stage.send(alice, bob, ['Hello Bob, can you read this?', 'שלום · こんにちは · 👋🏽']);
  await ledger.reached('read', first);
  await ledger.reached('read', await stage.send(bob, alice, ['Every word.']));
  say(`ticks    ${ticks.read}: Bob's device has it, Bob has seen it, Alice knows`);

  const title = 'Rowing club';
  const club = await stage.newGroup(title, alice, [bob, carol]);
  say(`group    "${title}": Alice made it, with Bob and Carol`);
  const inClub = [...(await stage.send(carol, club, ['Who rows on Saturday?']))];
  await ledger.reached('sent', inClub);

  await bob.stop();
  say('Bob      goes away: his process ends');
  inClub.push(...(await stage.send(alice, club, ['I do.'])), ...(await stage.send(carol, club, ['Then we are two.'])));
  await ledger.reached('sent', inClub);
  const secret = `the key is under the third stone ${Math.random().toString(36).slice(2)}`;
  const waiting = [
    ...(await stage.send(carol, bob, ['Bob? It is Carol.'])),
    ...(await stage.send(alice, bob, [secret])),
  ];
  await ledger.reached('sent', waiting);
  showRelay(stage, [secret, title]);

  await relay.kill();
  say('relay    killed with SIGKILL');
  const offline = [...(await stage.send(alice, bob, ['sent while there is no relay', 'and one more']))];
  inClub.push(...(await stage.send(alice, club, ['The boat is ready.'])));
  say(`Alice    queued ${offline.length + 1} messages while offline (${ticks.queued})`);
  await relay.start();
  say('relay    runs again, on the same data');
  await ledger.reached('sent', [...offline, ...inClub]);
  say(`ticks    ${ticks.sent}: the relay has them all on disk`);

  await bob.start();
  say('Bob      is back');
  await ledger.reached('read', [...waiting, ...offline]);
  inClub.push(...(await stage.send(bob, club, ['Three! I am back.'])));
  await ledger.reached('read', await stage.send(carol, alice, ['Alice, is he there?']));
  await ledger.reached('read', await stage.send(bob, carol, ['I am.']));
  say(`ticks    ${ticks.read}: all that was said from one to another, once and in order`);
  await ledger.reached('read', inClub);
  say(`ticks    ${ticks.read} by 2 of 2: all that was said in the group`);
  await showQuiet(stage);
  return [alice, bob, carol];
}

/** Acks of others are on their way for a moment: what stays waits for Bob. */
function showRelay(stage: Stage, secrets: readonly string[]): void {
  const { waiting, shared, envelope } = oneStoredEnvelope(stage.relayFolder);
  stage.say(`relay    holds ${waiting} envelopes for Bob: messages, receipts, and keys of the group`);
  stage.say(`         ${shared} of them are messages to the group, each kept once for all who are still to get it`);
  stage.say(`         the last one, ${envelope.length} bytes that name no sender, begins with`);
  for (const line of hexLines(envelope, 6)) stage.say(`         ${line}`);
  if (secrets.some((text) => holdsText(stage.relayFolder, text))) throw new Error('the relay holds a text in clear');
  stage.say('         and no file of the relay holds the text, nor the title of the group');
}

/** Acks are on their way for a moment after the last tick. */
async function showQuiet(stage: Stage): Promise<void> {
  while (oneStoredEnvelope(stage.relayFolder).waiting > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  stage.say('relay    holds nothing any more');
}
