import { resolve } from 'node:path';
import { LineFileError, makeEmpty, readLines } from './line-file.ts';
import { readOptions, usage } from './options.ts';
import { play } from './play.ts';
import { playFile } from './play-file.ts';
import { Stage } from './stage.ts';
import type { UserProcess } from './user-process.ts';
import type { ChatName } from './user-protocol.ts';

const options = readOptions(process.argv.slice(2));
if (options === 'help') {
  process.stdout.write(usage);
} else if ('wrong' in options) {
  process.stderr.write(`demo: ${options.wrong}\n${usage}`);
  process.exitCode = 2;
} else {
  const stage = new Stage();
  try {
    const received = options.received === undefined ? undefined : resolve(options.received);
    const lines = options.messages === undefined ? undefined : readLines(resolve(options.messages));
    // Before anything starts: what arrives could not be written down at the end.
    if (received !== undefined) makeEmpty(received);
    const users = lines === undefined ? await play(stage) : await playFile(stage, lines, received);
    process.exitCode = (await judge(stage, users)) ? 0 : 1;
  } catch (error) {
    // A file that can't be read or written is the user's to mend: the message says which, and how.
    const isInput = error instanceof LineFileError;
    const known = isInput || (error instanceof Error && 'syscall' in error);
    process.stderr.write(
      `demo: ${known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = isInput ? 2 : 1;
  } finally {
    await stage.clear();
  }
}

/** Compares what was sent with every receiver's history: each message once, and those of each sender in their order. */
async function judge(stage: Stage, users: readonly UserProcess[]): Promise<boolean> {
  const { ledger, groups } = stage;
  const found: { readonly user: UserProcess; readonly id: string }[] = [];
  let inOrder = true;
  for (const user of users) {
    const others = users.filter((other) => ledger.sentBetween(other, user).length > 0);
    const chats: readonly ChatName[] = [
      ...others.map(({ phone }) => ({ phone })),
      ...groups.filter(({ members }) => members.includes(user)),
    ];
    for (const chat of chats) {
      const history = await user.history(chat);
      const ids = history.filter(({ outgoing }) => !outgoing).map(({ id }) => id);
      for (const other of others) {
        const places = ledger.sentBetween(other, user).flatMap((id) => (ids.includes(id) ? [ids.indexOf(id)] : []));
        inOrder &&= places.every((place, at) => place > (places[at - 1] ?? -1));
      }
      found.push(...ids.map((id) => ({ user, id })));
    }
  }
  const { sent, received, lost, duplicated } = ledger.counts(found);
  const ok = lost === 0 && duplicated === 0 && sent === received && inOrder;
  process.stdout.write(
    `demo: ${ok ? 'ok' : inOrder ? 'failed' : 'failed, out of order'} sent=${sent} received=${received} lost=${lost} duplicated=${duplicated}\n`,
  );
  return ok;
}
