import type { MoveOutcome } from '../ports/account-control.ts';
import type { NewAccount, RegistrationOutcome } from '../ports/account-store.ts';
import type { RelayStores } from '../ports/relay-stores.ts';
import { type HarnessMaker, hex, suite } from './harness.ts';
import { mail, mailToDevices, roomy } from './mail-samples.ts';
import type { Runner } from './runner.ts';
import {
  ownerOf,
  someAccount,
  someBytes,
  someDevice,
  someEnding,
  someList,
  someNumber,
  someUser,
  start,
} from './samples.ts';

type Stores = Pick<RelayStores, 'accounts' | 'control' | 'tokens' | 'mailbox'>;

const minute = 60_000;
const day = 86_400_000;
const idleMs = 30 * day;

/** Who tries with this secret at this time. */
function attempt(secretMac: Uint8Array | undefined, now = start) {
  return { secretMac, now, idleMs };
}

/** What a refusal says; the status of anything else. */
function told(outcome: RegistrationOutcome | MoveOutcome): unknown {
  if (outcome.status !== 'locked') return outcome.status;
  return [outcome.refusal.attemptsLeft, outcome.refusal.retryAfterMs];
}

/** The next step from an account's first refresh token. */
function rotationOf({ refreshTokenHash }: NewAccount) {
  return {
    refresh: refreshTokenHash,
    next: someBytes(32),
    access: someBytes(32),
    accessExpiresAt: start + minute,
    now: start,
  };
}

/** A recovery of an account: the next list, with another device, under another idempotency key. */
function recovery(account: NewAccount, change: Partial<NewAccount> = {}): NewAccount {
  const { userId, numberMac } = account;
  const device = someDevice(2, userId);
  return someAccount({ userId, numberMac, deviceList: someList(2, [2]), device, recovers: true, ...change });
}

/** What owners do with their accounts: the lock, recovery, another number, the end. */
export function accountControlConformance(runner: Runner, maker: HarnessMaker<RelayStores>): void {
  const { expect } = runner;
  suite<Stores>(runner, 'AccountControl', maker as HarnessMaker<Stores>, ({ check, checkWith }) => {
    check('an account tells its number, and whether it is locked', async ({ stores: { accounts, control } }) => {
      const account = someAccount();
      await accounts.register(account);
      const lock = { salt: someBytes(32), secretMac: someBytes(32) };
      expect((await control.standing(account.userId))?.isLocked).toBe(false);
      expect(await control.putLock({ ...ownerOf(account), lock, now: start })).toBe('stored');
      const standing = await control.standing(account.userId);
      expect([standing?.isLocked, hex(standing?.numberCiphertext)]).toEqual([true, hex(account.numberCiphertext)]);
      expect(await control.putLock({ ...ownerOf(account), lock: undefined, now: start })).toBe('stored');
      expect((await control.standing(account.userId))?.isLocked).toBe(false);
      expect(await control.putLock({ ...ownerOf(someAccount()), lock, now: start })).toBe('unknown');
      expect(await control.standing(someUser())).toBe(undefined);
    });

    check(
      'five wrong secrets, then waits that grow; the right one opens  [security: sim-swap]',
      async ({ stores: { accounts, control } }) => {
        const account = someAccount();
        await accounts.register(account);
        const lock = { salt: someBytes(32), secretMac: someBytes(32) };
        await control.putLock({ ...ownerOf(account), lock, now: start });
        const { numberMac } = account;
        const tried = async (secretMac: Uint8Array | undefined, now = start) =>
          told(await accounts.register(someAccount({ numberMac, lock: attempt(secretMac, now) })));
        for (const times of [1, 2]) expect([times, await tried(undefined)]).toEqual([times, [5, undefined]]);
        for (const left of [4, 3, 2, 1]) expect(await tried(someBytes(32))).toEqual([left, undefined]);
        expect(await tried(someBytes(32))).toEqual([0, minute]);
        expect(await tried(lock.secretMac, start + minute - 1)).toEqual([0, 1]);
        let now = start + minute;
        for (const wait of [5, 60, 1_440, 1_440]) {
          expect(await tried(undefined, now)).toEqual([1, undefined]);
          expect(await tried(someBytes(32), now)).toEqual([0, wait * minute]);
          now += wait * minute;
        }
        expect((await accounts.byNumbers([numberMac]))[0]).toBe(account.userId);
        expect(await tried(lock.secretMac, now)).toBe('registered');
        expect(await accounts.deviceList(account.userId)).toBe(undefined);
      },
    );

    check('parallel tries at a lock all count  [security: sim-swap]', async ({ stores: { accounts, control } }) => {
      const account = someAccount();
      await accounts.register(account);
      await control.putLock({
        ...ownerOf(account),
        lock: { salt: someBytes(32), secretMac: someBytes(32) },
        now: start,
      });
      const { numberMac } = account;
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, () => accounts.register(someAccount({ numberMac, lock: attempt(someBytes(32)) }))),
      );
      expect(outcomes.map(told)).toEqual([
        [4, undefined],
        [3, undefined],
        [2, undefined],
        [1, undefined],
        [0, minute],
        [0, minute],
        [0, minute],
        [0, minute],
      ]);
    });

    check('a lock ends when its account was silent for long, and not before', async ({ stores }) => {
      const { accounts, control, tokens } = stores;
      const account = someAccount();
      await accounts.register(account);
      await control.putLock({
        ...ownerOf(account),
        lock: { salt: someBytes(32), secretMac: someBytes(32) },
        now: start,
      });
      const { numberMac } = account;
      const tried = async (now: number) =>
        told(await accounts.register(someAccount({ numberMac, lock: attempt(undefined, now) })));
      expect(await tried(start + idleMs - 1)).toEqual([5, undefined]);
      const heardAt = start + day;
      await tokens.rotate({
        refresh: account.refreshTokenHash,
        next: someBytes(32),
        access: someBytes(32),
        accessExpiresAt: heardAt + minute,
        now: heardAt,
      });
      expect(await tried(start + idleMs)).toEqual([5, undefined]);
      expect(await tried(heardAt + idleMs - 1)).toEqual([5, undefined]);
      expect(await tried(heardAt + idleMs)).toBe('registered');
    });

    check('a recovery keeps user id and lock, and ends the old devices  [security: sim-swap]', async ({ stores }) => {
      const { accounts, control, tokens, mailbox } = stores;
      const [account, peer] = [someAccount(), someAccount()];
      for (const each of [account, peer]) await accounts.register(each);
      await control.putLock({
        ...ownerOf(account),
        lock: { salt: someBytes(32), secretMac: someBytes(32) },
        now: start,
      });
      const access = someBytes(32);
      await tokens.grant(account.device, access, start + minute);
      const next = recovery(account);
      expect(await accounts.register(next)).toEqual({ status: 'recovered' });
      expect(await accounts.register(next)).toEqual({ status: 'repeated' });
      expect(await tokens.session(access, start)).toBe(undefined);
      expect(await tokens.rotate(rotationOf(account))).toEqual({ status: 'ended', reason: 'replaced' });
      expect((await mailbox.usage(account.device)).count).toBe(0);
      const list = await accounts.deviceList(account.userId);
      expect([list?.version, list?.devices.map(({ deviceId }) => deviceId)]).toEqual([2, [2]]);
      expect((await control.standing(account.userId))?.isLocked).toBe(true);
      expect(hex(await accounts.profile(account.userId))).toBe(hex(next.profile));
      expect(hex(await accounts.accessKeyHash(account.userId))).toBe(hex(next.accessKeyHash));
      expect(await accounts.byNumbers([account.numberMac])).toEqual([account.userId]);
    });

    check('a recovery of another number, account or version changes nothing', async ({ stores: { accounts } }) => {
      const [account, other] = [someAccount(), someAccount()];
      for (const each of [account, other]) await accounts.register(each);
      const refused = [
        recovery(account, { numberMac: someNumber() }),
        recovery(account, { numberMac: other.numberMac }),
        recovery(someAccount()),
      ];
      for (const request of refused) expect((await accounts.register(request)).status).toBe('recovery-refused');
      const late = recovery(account, { deviceList: someList(3, [2]) });
      expect((await accounts.register(late)).status).toBe('recovery-outdated');
      expect((await accounts.deviceList(account.userId))?.version).toBe(1);
      expect(await accounts.byNumbers([account.numberMac, other.numberMac])).toEqual([account.userId, other.userId]);
    });

    check('a number moves to an account, and who had it has ended', async ({ stores }) => {
      const { accounts, control, tokens } = stores;
      const [mover, holder] = [someAccount(), someAccount()];
      for (const each of [mover, holder]) await accounts.register(each);
      const { userId } = mover;
      const { numberMac } = holder;
      const numberCiphertext = someBytes(48);
      const move = { ...ownerOf(mover), numberMac, numberCiphertext, lock: attempt(undefined) };
      const lock = { salt: someBytes(32), secretMac: someBytes(32) };
      await control.putLock({ ...ownerOf(holder), lock, now: start });
      expect(told(await control.moveNumber(move))).toEqual([5, undefined]);
      expect(told(await control.moveNumber({ ...move, lock: attempt(someBytes(32)) }))).toEqual([4, undefined]);
      expect(await accounts.byNumbers([numberMac])).toEqual([holder.userId]);
      const right = { ...move, lock: attempt(lock.secretMac) };
      expect(await control.moveNumber(right)).toEqual({ status: 'moved', replaced: holder.userId });
      expect(await control.moveNumber(right)).toEqual({ status: 'moved', replaced: undefined });
      expect(await accounts.byNumbers([numberMac, mover.numberMac])).toEqual([userId, undefined]);
      expect(await tokens.rotate(rotationOf(holder))).toEqual({ status: 'ended', reason: 'replaced' });
      expect(hex((await control.standing(userId))?.numberCiphertext)).toBe(hex(numberCiphertext));
      expect((await accounts.register(someAccount({ userId: holder.userId }))).status).toBe('user-id-taken');
      expect((await control.moveNumber({ ...move, userId: someUser() })).status).toBe('unknown');
      // The number that was left is free.
      expect(await accounts.register(someAccount({ numberMac: mover.numberMac }))).toEqual({
        status: 'registered',
        replaced: undefined,
      });
    });

    check('an account that has ended is gone, and its id is not given out again', async ({ stores }) => {
      const { accounts, control, tokens } = stores;
      const account = someAccount();
      await accounts.register(account);
      const access = someBytes(32);
      await tokens.grant(account.device, access, start + minute);
      expect(await control.end(someEnding(account))).toBe('ended');
      expect(await control.end(someEnding(account))).toBe('unknown');
      expect(await control.standing(account.userId)).toBe(undefined);
      expect(await accounts.deviceList(account.userId)).toBe(undefined);
      expect(await tokens.session(access, start)).toBe(undefined);
      expect(await tokens.rotate(rotationOf(account))).toEqual({ status: 'ended', reason: 'deleted' });
      expect(await accounts.byNumbers([account.numberMac])).toEqual([undefined]);
      expect((await accounts.register(account)).status).toBe('user-id-taken');
    });

    check(
      'an ended account is found by the receipt of its end, and by nothing else  [security: leaving]',
      async ({ stores: { accounts, control } }) => {
        const [account, other] = [someAccount(), someAccount()];
        for (const each of [account, other]) await accounts.register(each);
        const ending = someEnding(account);
        expect(await control.hasEnded(ending.receipt)).toBe(false);
        expect(await control.end(ending)).toBe('ended');
        expect(await control.hasEnded(ending.receipt)).toBe(true);
        const again = someEnding(account);
        expect(await control.end(again)).toBe('unknown');
        expect(await control.hasEnded(again.receipt)).toBe(false);
        expect(await control.end(someEnding(someAccount()))).toBe('unknown');
        expect((await control.standing(other.userId))?.isLocked).toBe(false);
      },
    );

    check(
      'an account that has ended, in whichever way, remains until it was swept  [security: leaving]',
      async ({ stores: { accounts, control } }) => {
        const [left, replaced, lost, mover] = [someAccount(), someAccount(), someAccount(), someAccount()];
        for (const each of [left, replaced, lost, mover]) await accounts.register(each);
        expect(await control.remains()).toEqual([]);
        const { numberMac } = replaced;
        await accounts.register(someAccount({ numberMac, createdAt: start + 2 }));
        await control.moveNumber({
          ...ownerOf(mover),
          numberMac: lost.numberMac,
          numberCiphertext: someBytes(9),
          lock: attempt(undefined, start + 3),
        });
        await control.end(someEnding(left, start + 1));
        const endings = [left, replaced, lost].map(({ userId }, at) => ({ userId, endedAt: start + 1 + at }));
        expect(await control.remains()).toEqual(endings);
        await control.swept([replaced.userId, someUser()]);
        expect(await control.remains()).toEqual([endings[0], endings[2]]);
        await control.swept([left.userId, lost.userId]);
        expect(await control.remains()).toEqual([]);
      },
    );

    check(
      'what was proven over a list that the account has no more does nothing  [security: sim-swap]',
      async ({ stores: { accounts, control } }) => {
        const [recovered, listed, holder] = [someAccount(), someAccount(), someAccount()];
        for (const each of [recovered, listed, holder]) await accounts.register(each);
        const set = { lock: { salt: someBytes(32), secretMac: someBytes(32) }, now: start };
        await control.putLock({ ...ownerOf(holder), ...set });
        const { numberMac } = holder;
        const move = { numberMac, numberCiphertext: someBytes(9), lock: attempt(someBytes(32)) };
        const next = recovery(recovered);
        const outcomes = await Promise.all([
          accounts.register(next),
          accounts.replaceDeviceList(listed.userId, someList(2, [1])),
          ...[recovered, listed].flatMap((account) => [
            control.end(someEnding(account)),
            control.putLock({ ...ownerOf(account), ...set }),
            control.moveNumber({ ...ownerOf(account), ...move }).then(told),
          ]),
        ]);
        expect(outcomes.slice(2)).toEqual(Array.from({ length: 6 }, () => 'changed'));
        for (const { userId } of [recovered, listed]) expect((await control.standing(userId))?.isLocked).toBe(false);
        const macs = [recovered, listed, holder].map((account) => account.numberMac);
        expect(await accounts.byNumbers(macs)).toEqual([recovered.userId, listed.userId, holder.userId]);
        expect(await control.remains()).toEqual([]);
        // The lock of the number that was asked for has all its tries.
        expect(told(await control.moveNumber({ ...ownerOf(next), ...move }))).toEqual([4, undefined]);
      },
    );

    check(
      'a proof that is too old ends no account, and its receipt is not kept  [security: leaving]',
      async ({ stores: { accounts, control } }) => {
        const account = someAccount();
        await accounts.register(account);
        const old = someEnding(account);
        const next = recovery(account);
        const outcomes = await Promise.all([accounts.register(next), control.end(old)]);
        expect(outcomes).toEqual([{ status: 'recovered' }, 'changed']);
        expect(await control.hasEnded(old.receipt)).toBe(false);
        expect(await control.end(someEnding(next))).toBe('ended');
      },
    );

    check('mail behind the end of an account, from it or to it, leaves nothing', async ({ stores }) => {
      const { accounts, control, mailbox } = stores;
      const [account, other] = [someAccount(), someAccount()];
      for (const each of [account, other]) await accounts.register(each);
      const from = { ...mail(other.device), sender: account.device };
      const to = { ...mail(account.device), sender: other.device };
      const both = { ...to, sendId: someBytes(16), recipients: [...to.recipients, ...from.recipients] };
      const [, ...receipts] = await Promise.all([
        control.end(someEnding(account)),
        ...[from, to, both].map((append) => mailbox.append(append, roomy)),
      ]);
      const statuses = receipts.map(({ results }) => results.map(({ status }) => status));
      expect(statuses).toEqual([['gone'], ['gone'], ['gone', 'accepted']]);
      expect(await mailbox.recorded(account.device, from.sendId)).toBe(undefined);
      expect(await mailbox.recorded(other.device, to.sendId)).toBe(undefined);
      expect((await mailbox.usage(account.device)).count).toBe(0);
      expect((await mailbox.usage(other.device)).count).toBe(1);
    });

    check('mail behind a recovery, from the old device or to it, leaves nothing', async ({ stores }) => {
      const { accounts, mailbox } = stores;
      const [account, other] = [someAccount(), someAccount()];
      for (const each of [account, other]) await accounts.register(each);
      const [, ...receipts] = await Promise.all([
        accounts.register(recovery(account)),
        mailbox.append({ ...mail(other.device), sender: account.device }, roomy),
        mailbox.append({ ...mail(account.device), sender: other.device }, roomy),
        mailbox.append({ ...mailToDevices(account.userId, [1, 2]), sender: other.device }, roomy),
      ]);
      expect(receipts.map(({ results }) => results[0]?.status)).toEqual(['gone', 'gone', 'gone']);
      expect((await mailbox.usage(account.device)).count).toBe(0);
      expect((await mailbox.usage(someDevice(2, account.userId))).count).toBe(0);
      expect((await mailbox.usage(other.device)).count).toBe(0);
    });

    checkWith(
      'reopen',
      'locks with their tries, moved numbers and ended ids outlive a restart  [security: sim-swap]',
      async (harness) => {
        const [locked, mover, ended] = [someAccount(), someAccount(), someAccount()];
        for (const each of [locked, mover, ended]) await harness.stores.accounts.register(each);
        const { control } = harness.stores;
        await control.putLock({
          ...ownerOf(locked),
          lock: { salt: someBytes(32), secretMac: someBytes(32) },
          now: start,
        });
        const tryIt = () =>
          harness.stores.accounts.register(someAccount({ numberMac: locked.numberMac, lock: attempt(someBytes(32)) }));
        expect(told(await tryIt())).toEqual([4, undefined]);
        const numberMac = someNumber();
        await control.moveNumber({
          ...ownerOf(mover),
          numberMac,
          numberCiphertext: someBytes(9),
          lock: attempt(undefined),
        });
        const ending = someEnding(ended);
        await control.end(ending);
        await harness.reopen();
        expect(await harness.stores.control.hasEnded(ending.receipt)).toBe(true);
        expect(await harness.stores.control.remains()).toEqual([{ userId: ended.userId, endedAt: start }]);
        expect(told(await tryIt())).toEqual([3, undefined]);
        const { accounts } = harness.stores;
        expect(await accounts.byNumbers([numberMac, mover.numberMac])).toEqual([mover.userId, undefined]);
        expect((await accounts.register(ended)).status).toBe('user-id-taken');
      },
    );
  });
}
