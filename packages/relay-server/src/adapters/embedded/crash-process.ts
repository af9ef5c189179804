import { writeSync } from 'node:fs';
import type { RelayStep } from '../../ports/tracer.ts';
import { appendsPerRound, blobOf, blobOfAvatar, type Confirmed, CrashScenario, isAcked } from './crash-scenario.ts';
import { openEmbeddedStores } from './embedded-stores.ts';

// Works on a store without end, until the step named is reached for the nth time: then the process is killed, as by a power cut.
const [folder = '', seed = '', fatalStep = '', nth = ''] = process.argv.slice(2);
const scenario = new CrashScenario(seed);
let reached = 0;

const tracer = {
  reached(step: RelayStep): void {
    if (step === fatalStep && ++reached === Number(nth)) process.kill(process.pid, 'SIGKILL');
  },
};

/** Synchronous, so that what was confirmed before the end is known to the other process. */
function confirm(confirmed: Confirmed): void {
  writeSync(1, `${JSON.stringify(confirmed)}\n`);
}

const { mailbox, accounts, tokens, prekeys, groups, groupAvatars, control, blobs } = await openEmbeddedStores({
  folder,
  clock: { now: () => 1000 },
  tracer,
});
const quota = { count: 100_000, bytes: 100_000_000, strangerCount: 100_000, strangerBytes: 100_000_000 };
const reader = mailbox.reader(scenario.to);

/** Uploads an avatar as the relay does, and names it. */
async function appendToGroup(round: number): Promise<void> {
  const avatar = scenario.avatar(round);
  await groupAvatars.reserve(avatar);
  await blobs.put(blobOfAvatar(avatar), avatar.location);
  await groups.append(scenario.groupAppend(round));
  confirm({ did: 'group', index: round });
}

for (let round = 0; ; round++) {
  const indices = Array.from({ length: appendsPerRound }, (_, offset) => round * appendsPerRound + offset);
  const { device, ...account } = scenario.account(round);
  await Promise.all([
    ...indices.map(async (index) => {
      await mailbox.append(scenario.append(index), quota);
      confirm({ did: 'append', index });
    }),
    accounts.register({ ...account, device }).then(() => confirm({ did: 'register', index: round })),
    appendToGroup(round),
  ]);
  const leaver = scenario.leaver(round);
  await accounts.register(leaver);
  await blobs.put(blobOf(leaver), leaver.profile);
  const entries = await reader.next(appendsPerRound, 1000);
  await Promise.all([
    ...entries.map(async ({ deliveryId }, offset) => {
      const index = round * appendsPerRound + offset;
      if (!isAcked(index)) return;
      await mailbox.ack(scenario.to, [deliveryId]);
      confirm({ did: 'ack', index });
    }),
    tokens.rotate(scenario.rotation(round)).then(() => confirm({ did: 'rotate', index: round })),
    prekeys.take(device).then((keys) => {
      const key = Buffer.from(keys?.prekey?.publicKey ?? []).toString('hex');
      confirm({ did: 'take', index: round, key });
    }),
    control.end(scenario.ending(round)).then(async () => {
      confirm({ did: 'end', index: round });
      await blobs.delete(blobOf(leaver));
      await control.swept([leaver.userId]);
      confirm({ did: 'sweep', index: round });
    }),
  ]);
}
