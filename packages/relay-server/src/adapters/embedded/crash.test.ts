import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RelayStores } from '../../ports/relay-stores.ts';
import type { RelayStep } from '../../ports/tracer.ts';
import { appendsPerRound, blobOf, blobOfAvatar, type Confirmed, CrashScenario, isAcked } from './crash-scenario.ts';
import { openEmbeddedStores } from './embedded-stores.ts';

const script = fileURLToPath(new URL('./crash-process.ts', import.meta.url));
const quota = { count: 100_000, bytes: 100_000_000, strangerCount: 100_000, strangerBytes: 100_000_000 };
const clock = { now: () => 1000 };

const steps: readonly RelayStep[] = [
  'mailbox.append.before-fsync',
  'mailbox.append.durable',
  'ack.durable',
  'registration.before-fsync',
  'registration.durable',
  'deletion.before-fsync',
  'deletion.durable',
  'token.durable',
  'prekeys.durable',
];

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly confirmed: readonly Confirmed[];
  readonly complaints: string;
}

describe('the embedded stores, killed', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sotto-relay-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  function runUntilKilled(seed: string, step: RelayStep, nth: number): Promise<Ended> {
    const args = ['--conditions=sotto-source', script, folder, seed, step, String(nth)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let complaints = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaints += text;
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (_, signal) => {
        const confirmed = output.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Confirmed]));
        resolve({ signal, confirmed, complaints });
      });
    });
  }

  async function envelopesIn({ mailbox }: RelayStores, scenario: CrashScenario): Promise<string[]> {
    const reader = mailbox.reader(scenario.to);
    const found: string[] = [];
    for (;;) {
      const entries = await reader.next(100, 1000);
      if (entries.length === 0) return found;
      found.push(...entries.map(({ envelope }) => Buffer.from(envelope).toString('hex')));
    }
  }

  for (const step of steps) {
    it.each([1, 2, 3, 5, 8])(`keep their promises: ${step}, time %i`, async (nth) => {
      const seed = randomUUID();
      const known = new CrashScenario(seed);
      const { signal, confirmed, complaints } = await runUntilKilled(seed, step, nth);
      expect([signal, complaints]).toEqual(['SIGKILL', '']);
      const did = (what: Confirmed['did']) =>
        new Set(confirmed.flatMap((one) => (one.did === what ? [one.index] : [])));
      const [appended, acked, registered, rotated] = [did('append'), did('ack'), did('register'), did('rotate')];
      const [ended, swept] = [did('end'), did('sweep')];
      const stores = await openEmbeddedStores({ folder, clock });
      try {
        const indices = Array.from({ length: (nth + 1) * appendsPerRound }, (_, index) => index);
        const name = (index: number) => Buffer.from(known.envelope(index)).toString('hex');
        const before = await envelopesIn(stores, known);
        expect(new Set(before).size).toBe(before.length);
        for (const index of indices) {
          // An ack that was not confirmed may have happened or not.
          if (acked.has(index)) expect(before).not.toContain(name(index));
          else if (appended.has(index) && !isAcked(index)) expect(before).toContain(name(index));
        }
        const firstOfRound = Math.floor(appended.size / appendsPerRound) * appendsPerRound;
        if (step === 'mailbox.append.before-fsync') expect(before).not.toContain(name(firstOfRound));
        if (step === 'mailbox.append.durable') expect(before).toContain(name(firstOfRound));

        // Its sender can't know, and sends all of it again: each is stored once, whatever became of it.
        for (const index of indices) await stores.mailbox.append(known.append(index), quota);
        const after = await envelopesIn(stores, known);
        expect(new Set(after).size).toBe(after.length);
        for (const index of indices) {
          if (acked.has(index)) expect(after).not.toContain(name(index));
          else if (!isAcked(index)) expect(after).toContain(name(index));
        }
        const usage = await stores.mailbox.usage(known.to);
        expect([usage.count, usage.bytes]).toEqual([after.length, after.length * 32]);

        // Log and members are those of one revision, whichever it is, but for an account that has ended: both ends are one step. All goes on from there by repeating.
        const grouped = did('group');
        const { groupId } = known.groupAppend(0).record;
        const reader = { userId: known.sender.userId, at: 0 };
        const log = await stores.groups.records(groupId, reader, 0, { records: 100, bytes: 10_000 });
        const last = log?.lastRevision ?? 0;
        expect(last).toBeGreaterThanOrEqual(grouped.size);
        if (last > 0) {
          const hasLeft = await stores.control.hasEnded(known.ending(last - 1).receipt);
          const comers = hasLeft ? [] : [known.leaver(last - 1).userId];
          expect(new Set(await stores.groups.members(groupId))).toEqual(new Set([known.sender.userId, ...comers]));
        }
        // An avatar that is there is on the list of what may have to go; the one that the last record names stays.
        const due = await stores.groupAvatars.due(1e12);
        const listed = new Set(due.map(({ location }) => Buffer.from(location).toString('hex')));
        for (let round = 0; round <= nth; round++) {
          const avatar = known.avatar(round);
          const hasBlob = (await stores.blobs.get(blobOfAvatar(avatar))) !== undefined;
          const isCurrent = await stores.groupAvatars.mayRead(avatar, { ...reader, at: 1e12 });
          if (hasBlob && !isCurrent) expect(listed).toContain(Buffer.from(avatar.location).toString('hex'));
          expect([isCurrent, isCurrent && hasBlob]).toEqual([round === last - 1, round === last - 1]);
        }
        for (let round = 0; round <= nth; round++) {
          const repeated = await stores.groups.append(known.groupAppend(round));
          expect(repeated).toBe(round < last ? 'repeated' : 'appended');
        }

        const remains = new Set((await stores.control.remains()).map(({ userId }) => userId));
        for (let round = 0; round <= nth; round++) {
          // A blob has an account, or whoever sweeps is told of it.
          const leaver = known.leaver(round);
          const hasBlob = (await stores.blobs.get(blobOf(leaver))) !== undefined;
          const isThere = (await stores.control.standing(leaver.userId)) !== undefined;
          if (hasBlob && !isThere) expect(remains).toContain(leaver.userId);
          if (ended.has(round))
            expect([isThere, await stores.control.hasEnded(known.ending(round).receipt)]).toEqual([false, true]);
          if (swept.has(round)) expect([hasBlob, remains.has(leaver.userId)]).toEqual([false, false]);
          const account = known.account(round);
          const { status } = await stores.accounts.register(account);
          if (registered.has(round)) expect(status).toBe('repeated');
          expect((await stores.accounts.register(account)).status).toBe('repeated');
          expect(await stores.accounts.byNumbers([account.numberMac])).toEqual([account.userId]);
          const again = await stores.tokens.rotate(known.rotation(round));
          if (rotated.has(round)) expect(again.status).toBe('repeated');
          expect(again).toMatchObject({ device: account.device });
          const given = confirmed.flatMap((one) => (one.did === 'take' && one.index === round ? [one.key] : []));
          for (let count = 0; count < 3; count++) {
            const key = (await stores.prekeys.take(account.device))?.prekey?.publicKey;
            if (key !== undefined) given.push(Buffer.from(key).toString('hex'));
          }
          expect(new Set(given).size).toBe(given.length);
        }
      } finally {
        await stores.close();
      }
    });
  }
});
