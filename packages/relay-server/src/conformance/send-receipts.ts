import type { UserId } from '../ports/ids.ts';
import type { MailResult } from '../ports/mailbox.ts';
import type { SendClaim, SendKey, SendReceipt, SendReceipts } from '../ports/send-receipts.ts';
import { type HarnessMaker, suite } from './harness.ts';
import { someIncarnation } from './incarnation-samples.ts';
import { day } from './mail-samples.ts';
import type { Runner } from './runner.ts';
import { someBytes, someDevice, someUser, start } from './samples.ts';

const leaseMs = 10_000;

function someSend(sender: SendKey['sender'] = someIncarnation()): SendKey {
  return { sender, sendId: someBytes(16) };
}

function accepted(userId: UserId, full: readonly number[] = [], open: readonly number[] = [1]): MailResult {
  const devices = [
    ...open.map((deviceId) => ({ deviceId, status: 'accepted' as const })),
    ...full.map((deviceId) => ({ deviceId, status: 'full' as const })),
  ];
  return { userId, status: 'accepted', devices };
}

function receiptOf(results: readonly MailResult[], acceptedAt = start): SendReceipt {
  return { acceptedAt, expiresAt: acceptedAt + 30 * day, results };
}

/** The token of a claim that has to be fresh. */
function tokenOf(claim: SendClaim): string {
  if (claim.status !== 'fresh') throw new Error(`the claim is ${claim.status}, and was to be fresh`);
  return claim.token;
}

/** What every `SendReceipts` must hold that keeps records for 8 days. */
export function sendReceiptsConformance(
  runner: Runner,
  maker: HarnessMaker<{ readonly receipts: SendReceipts }>,
): void {
  const { expect } = runner;
  suite(runner, 'SendReceipts', maker, ({ check, checkWith }) => {
    check('a send that nobody knows is fresh; settled, it is recorded', async ({ stores: { receipts } }) => {
      const [key, user] = [someSend(), someUser()];
      expect(await receipts.recorded(key, start)).toBe(undefined);
      const claim = await receipts.claim(key, [user], start, leaseMs);
      expect(claim).toEqual({ status: 'fresh', token: tokenOf(claim), receipt: undefined });
      expect(await receipts.recorded(key, start)).toBe(undefined);
      const receipt = receiptOf([accepted(user, [2, 127], [1, 126])]);
      expect(await receipts.settle(key, tokenOf(claim), receipt, start + 5)).toEqual(receipt);
      expect(await receipts.claim(key, [user], start + 6, leaseMs)).toEqual({ status: 'recorded', receipt });
      expect(await receipts.recorded(key, start + 6)).toEqual(receipt);
    });

    check('who comes while it is claimed is told until when', async ({ stores: { receipts } }) => {
      const [key, user] = [someSend(), someUser()];
      await receipts.claim(key, [user], start, leaseMs);
      const claimed = { status: 'claimed', endsAt: start + leaseMs };
      expect(await receipts.claim(key, [user], start + 1, leaseMs)).toEqual(claimed);
      expect(await receipts.claim(key, [someUser()], start + leaseMs - 1, leaseMs)).toEqual(claimed);
    });

    check('100 claims at once: one is fresh', async ({ stores: { receipts } }) => {
      const [key, user] = [someSend(), someUser()];
      const claims = await Promise.all(Array.from({ length: 100 }, () => receipts.claim(key, [user], start, leaseMs)));
      expect(claims.filter(({ status }) => status === 'fresh').length).toBe(1);
      expect(claims.filter(({ status }) => status === 'claimed').length).toBe(99);
    });

    check('the lease of a claimer that died ends, to the millisecond', async ({ stores: { receipts } }) => {
      const [key, user] = [someSend(), someUser()];
      const first = tokenOf(await receipts.claim(key, [user], start, leaseMs));
      const second = tokenOf(await receipts.claim(key, [user], start + leaseMs, leaseMs));
      expect(first === second).toBe(false);
      expect((await receipts.claim(key, [user], start + 2 * leaseMs - 1, leaseMs)).status).toBe('claimed');
    });

    check('an abandoned send is fresh again, and is not recorded', async ({ stores: { receipts } }) => {
      const [key, user] = [someSend(), someUser()];
      await receipts.abandon(key, tokenOf(await receipts.claim(key, [user], start, leaseMs)));
      expect(await receipts.recorded(key, start)).toBe(undefined);
      expect((await receipts.claim(key, [user], start, leaseMs)).status).toBe('fresh');
    });

    check('a token that is not, or no longer, the one of the lease abandons nothing', async ({ stores }) => {
      const { receipts } = stores;
      const [key, user] = [someSend(), someUser()];
      const first = tokenOf(await receipts.claim(key, [user], start, leaseMs));
      const second = tokenOf(await receipts.claim(key, [user], start + leaseMs, leaseMs));
      await receipts.abandon(key, first);
      await receipts.abandon(someSend(), second);
      expect((await receipts.claim(key, [user], start + leaseMs, leaseMs)).status).toBe('claimed');
      await receipts.abandon(key, second);
      await receipts.abandon(key, second);
      expect((await receipts.claim(key, [user], start + leaseMs, leaseMs)).status).toBe('fresh');
    });

    check('recipients that were refused are claimed anew, and the first times stay', async ({ stores }) => {
      const { receipts } = stores;
      const [key, open, full] = [someSend(), someUser(), someUser()];
      const refused: MailResult = { userId: full, status: 'full', devices: [{ deviceId: 1, status: 'full' }] };
      const first = receiptOf([accepted(open, [2])]);
      const token = tokenOf(await receipts.claim(key, [open, full], start, leaseMs));
      expect(await receipts.settle(key, token, { ...first, results: [refused, ...first.results] }, start)).toEqual(
        first,
      );
      expect(await receipts.claim(key, [open], start + 1, leaseMs)).toEqual({ status: 'recorded', receipt: first });
      const again = await receipts.claim(key, [open, full], start + 2, leaseMs);
      expect(again).toEqual({ status: 'fresh', token: tokenOf(again), receipt: first });
      expect((await receipts.claim(key, [full], start + 3, leaseMs)).status).toBe('claimed');
      expect(await receipts.claim(key, [open], start + 3, leaseMs)).toEqual({ status: 'recorded', receipt: first });
      expect(await receipts.recorded(key, start + 3)).toEqual(first);
      const both = { ...first, results: [...first.results, accepted(full)] };
      const added = receiptOf([accepted(full)], start + 2);
      expect(await receipts.settle(key, tokenOf(again), added, start + 4)).toEqual(both);
      expect(await receipts.claim(key, [full, open], start + 5, leaseMs)).toEqual({
        status: 'recorded',
        receipt: both,
      });
    });

    check('what was recorded stays when a claim on the rest is abandoned', async ({ stores: { receipts } }) => {
      const [key, open, full] = [someSend(), someUser(), someUser()];
      const receipt = receiptOf([accepted(open)]);
      await receipts.settle(key, tokenOf(await receipts.claim(key, [open, full], start, leaseMs)), receipt, start);
      await receipts.abandon(key, tokenOf(await receipts.claim(key, [full], start, leaseMs)));
      expect(await receipts.recorded(key, start)).toEqual(receipt);
      expect((await receipts.claim(key, [full], start, leaseMs)).status).toBe('fresh');
    });

    check('a settle without anybody accepted records nothing, and ends the lease', async ({ stores: { receipts } }) => {
      const [key, user] = [someSend(), someUser()];
      const token = tokenOf(await receipts.claim(key, [user], start, leaseMs));
      const gone: MailResult = { userId: user, status: 'gone', devices: [] };
      expect(await receipts.settle(key, token, receiptOf([gone]), start)).toBe(undefined);
      expect(await receipts.recorded(key, start)).toBe(undefined);
      expect((await receipts.claim(key, [user], start, leaseMs)).status).toBe('fresh');
    });

    check('a late settle adds, and leaves the lease to whoever has it now', async ({ stores: { receipts } }) => {
      const [key, one, two] = [someSend(), someUser(), someUser()];
      const late = tokenOf(await receipts.claim(key, [one, two], start, leaseMs));
      const token = tokenOf(await receipts.claim(key, [one, two], start + leaseMs, leaseMs));
      const first = receiptOf([accepted(one, [3])]);
      expect(await receipts.settle(key, late, first, start + leaseMs + 1)).toEqual(first);
      expect((await receipts.claim(key, [one, two], start + leaseMs + 2, leaseMs)).status).toBe('claimed');
      const second = receiptOf([accepted(one), accepted(two)], start + leaseMs);
      const merged = { ...first, results: [accepted(one, [3]), accepted(two)] };
      expect(await receipts.settle(key, token, second, start + leaseMs + 3)).toEqual(merged);
      expect(await receipts.settle(key, late, receiptOf([accepted(two, [9])]), start + leaseMs + 4)).toEqual(merged);
      expect(await receipts.recorded(key, start + leaseMs + 5)).toEqual(merged);
    });

    check('a settle behind the end of the lease, or of a record that was lost, counts', async ({ stores }) => {
      const { receipts } = stores;
      const [key, user] = [someSend(), someUser()];
      const token = tokenOf(await receipts.claim(key, [user], start, leaseMs));
      const receipt = receiptOf([accepted(user)]);
      expect(await receipts.settle(key, token, receipt, start + 2 * leaseMs)).toEqual(receipt);
      const other = someSend();
      expect(await receipts.settle(other, token, receipt, start)).toEqual(receipt);
      expect(await receipts.recorded(other, start)).toEqual(receipt);
    });

    check(
      'send ids belong to their sender: of another device, listing or id it is another send',
      async ({ stores }) => {
        const { receipts } = stores;
        const [sender, user] = [someIncarnation(), someUser()];
        const key = someSend(sender);
        const receipt = receiptOf([accepted(user)]);
        await receipts.settle(key, tokenOf(await receipts.claim(key, [user], start, leaseMs)), receipt, start);
        const others = [
          { ...key, sendId: someBytes(16) },
          { ...key, sender: someIncarnation(sender) },
          { ...key, sender: { ...sender, deviceId: someDevice(2).deviceId } },
          { ...key, sender: { ...sender, userId: someUser() } },
          { ...key, sender: undefined },
        ];
        for (const other of others) {
          expect(await receipts.recorded(other, start)).toBe(undefined);
          expect((await receipts.claim(other, [user], start, leaseMs)).status).toBe('fresh');
        }
        expect(await receipts.recorded(key, start)).toEqual(receipt);
      },
    );

    check('a send of a sealed sender is known by its id alone', async ({ stores: { receipts } }) => {
      const [key, user] = [{ sender: undefined, sendId: someBytes(16) }, someUser()];
      const receipt = receiptOf([accepted(user)]);
      await receipts.settle(key, tokenOf(await receipts.claim(key, [user], start, leaseMs)), receipt, start);
      expect(await receipts.claim(key, [user], start, leaseMs)).toEqual({ status: 'recorded', receipt });
      const named = { ...key, sender: someIncarnation() };
      expect(await receipts.recorded(named, start)).toBe(undefined);
      expect((await receipts.claim({ ...key, sendId: someBytes(16) }, [user], start, leaseMs)).status).toBe('fresh');
    });

    check('keeps records for 8 days after they were accepted, to the millisecond', async ({ stores: { receipts } }) => {
      const [key, user] = [someSend(), someUser()];
      const receipt = receiptOf([accepted(user)]);
      await receipts.settle(key, tokenOf(await receipts.claim(key, [user], start, leaseMs)), receipt, start + 9);
      const last = start + 8 * day;
      expect(await receipts.recorded(key, last)).toEqual(receipt);
      expect((await receipts.claim(key, [user], last, leaseMs)).status).toBe('recorded');
      expect(await receipts.recorded(key, last + 1)).toBe(undefined);
      const claim = await receipts.claim(key, [user], last + 1, leaseMs);
      expect(claim).toEqual({ status: 'fresh', token: tokenOf(claim), receipt: undefined });
      const next = receiptOf([accepted(user, [4])], last + 1);
      expect(await receipts.settle(key, tokenOf(claim), next, last + 2)).toEqual(next);
      expect(await receipts.recorded(key, last + 8 * day + 1)).toEqual(next);
    });

    check('what is added later does not make a record live longer', async ({ stores: { receipts } }) => {
      const [key, one, two] = [someSend(), someUser(), someUser()];
      await receipts.settle(
        key,
        tokenOf(await receipts.claim(key, [one], start, leaseMs)),
        receiptOf([accepted(one)]),
        start,
      );
      const token = tokenOf(await receipts.claim(key, [one, two], start + 7 * day, leaseMs));
      await receipts.settle(key, token, receiptOf([accepted(two)], start + 7 * day), start + 7 * day);
      expect((await receipts.recorded(key, start + 8 * day))?.results.length).toBe(2);
      expect(await receipts.recorded(key, start + 8 * day + 1)).toBe(undefined);
    });

    check('a thousand recipients come back as they were', async ({ stores: { receipts } }) => {
      const key = someSend();
      const users = Array.from({ length: 1_000 }, () => someUser());
      const token = tokenOf(await receipts.claim(key, users, start, leaseMs));
      const results = users.map((userId, at) => accepted(userId, at % 3 === 0 ? [5, 6] : [], [1, 2 + (at % 2)]));
      expect(await receipts.settle(key, token, receiptOf(results), start)).toEqual(receiptOf(results));
      expect(await receipts.recorded(key, start)).toEqual(receiptOf(results));
      expect((await receipts.claim(key, [...users].reverse(), start, leaseMs)).status).toBe('recorded');
      expect((await receipts.claim(key, [...users, someUser()], start, leaseMs)).status).toBe('fresh');
    });

    check('100 settles of one send at once: all are in the record', async ({ stores: { receipts } }) => {
      const key = someSend();
      const users = Array.from({ length: 100 }, () => someUser());
      const token = tokenOf(await receipts.claim(key, users, start, leaseMs));
      await Promise.all(users.map((user) => receipts.settle(key, token, receiptOf([accepted(user)]), start)));
      const recorded = await receipts.recorded(key, start);
      expect(new Set(recorded?.results.map(({ userId }) => userId))).toEqual(new Set(users));
      expect(recorded?.results.length).toBe(100);
    });

    checkWith('reopen', 'records and leases outlive a restart', async (harness) => {
      const [settled, claimed, user] = [someSend(), someSend(), someUser()];
      const receipt = receiptOf([accepted(user)]);
      const { receipts } = harness.stores;
      await receipts.settle(settled, tokenOf(await receipts.claim(settled, [user], start, leaseMs)), receipt, start);
      const token = tokenOf(await receipts.claim(claimed, [user], start, leaseMs));
      await harness.reopen();
      expect(await harness.stores.receipts.recorded(settled, start)).toEqual(receipt);
      expect((await harness.stores.receipts.claim(claimed, [user], start, leaseMs)).status).toBe('claimed');
      expect(await harness.stores.receipts.settle(claimed, token, receipt, start)).toEqual(receipt);
    });
  });
}
