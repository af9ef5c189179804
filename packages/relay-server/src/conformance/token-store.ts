import type { AccountStore } from '../ports/account-store.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import type { TokenRotation, TokenStore } from '../ports/token-store.ts';
import { type HarnessMaker, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import { someAccount, someBytes, someDevice, start } from './samples.ts';

const hour = 3_600_000;
const day = 24 * hour;

interface Stores {
  readonly tokens: TokenStore;
  readonly accounts: AccountStore;
}

function rotation(refresh: Uint8Array, next: Uint8Array = someBytes(32), now = start): TokenRotation {
  return { refresh, next, access: someBytes(32), accessExpiresAt: now + hour, now };
}

async function registered({ accounts }: Stores): Promise<{ device: DeviceAddress; refresh: Uint8Array }> {
  const account = someAccount();
  await accounts.register(account);
  return { device: account.device, refresh: account.refreshTokenHash };
}

/** What every `TokenStore` must hold, together with the `AccountStore` that begins its families. */
export function tokenStoreConformance(runner: Runner, maker: HarnessMaker<Stores>): void {
  const { expect } = runner;
  suite(runner, 'TokenStore', maker, ({ check, checkWith }) => {
    check('an access token opens a session until its end, to the millisecond', async ({ stores }) => {
      const { device } = await registered(stores);
      const access = someBytes(32);
      await stores.tokens.grant(device, access, start + hour);
      const session = await stores.tokens.session(access, start + hour - 1);
      expect([session?.device, session?.expiresAt]).toEqual([device, start + hour]);
      expect(await stores.tokens.session(access, start + hour)).toBe(undefined);
      expect(await stores.tokens.session(someBytes(32), start)).toBe(undefined);
    });

    check('a device may hold several access tokens', async ({ stores }) => {
      const { device } = await registered(stores);
      const tokens = [someBytes(32), someBytes(32)];
      for (const access of tokens) await stores.tokens.grant(device, access, start + hour);
      for (const access of tokens) expect((await stores.tokens.session(access, start))?.device).toEqual(device);
    });

    check('a device without a refresh family is granted nothing', async ({ stores: { tokens } }) => {
      const access = someBytes(32);
      await tokens.grant(someDevice(), access, start + hour);
      expect(await tokens.session(access, start)).toBe(undefined);
    });

    check('rotation gives a session; so does the chain after it', async ({ stores }) => {
      const { device, refresh } = await registered(stores);
      const first = rotation(refresh);
      expect(await stores.tokens.rotate(first)).toEqual({ status: 'rotated', device });
      const second = rotation(first.next);
      expect(await stores.tokens.rotate(second)).toEqual({ status: 'rotated', device });
      for (const { access } of [first, second]) {
        expect((await stores.tokens.session(access, start))?.device).toEqual(device);
      }
    });

    check('a repeated pair is success, and its new access token counts too', async ({ stores }) => {
      const { device, refresh } = await registered(stores);
      const first = rotation(refresh);
      await stores.tokens.rotate(first);
      for (let count = 0; count < 3; count++) {
        const again = rotation(refresh, first.next);
        expect(await stores.tokens.rotate(again)).toEqual({ status: 'repeated', device });
        expect((await stores.tokens.session(again.access, start))?.device).toEqual(device);
      }
      expect((await stores.tokens.rotate(rotation(first.next))).status).toBe('rotated');
    });

    check('reuse with another successor ends all tokens of the device, and of no other', async ({ stores }) => {
      const [victim, other] = [await registered(stores), await registered(stores)];
      const first = rotation(victim.refresh);
      await stores.tokens.rotate(first);
      const bystander = someBytes(32);
      await stores.tokens.grant(other.device, bystander, start + hour);
      expect(await stores.tokens.rotate(rotation(victim.refresh))).toEqual({ status: 'reused', device: victim.device });
      expect(await stores.tokens.session(first.access, start)).toBe(undefined);
      expect((await stores.tokens.rotate(rotation(first.next))).status).toBe('unknown');
      expect((await stores.tokens.session(bystander, start))?.device).toEqual(other.device);
      expect((await stores.tokens.rotate(rotation(other.refresh))).status).toBe('rotated');
    });

    check('reuse of a token long replaced is seen too', async ({ stores }) => {
      const { refresh } = await registered(stores);
      let last = refresh;
      for (let count = 0; count < 5; count++) {
        const step = rotation(last);
        await stores.tokens.rotate(step);
        last = step.next;
      }
      expect((await stores.tokens.rotate(rotation(refresh))).status).toBe('reused');
      expect((await stores.tokens.rotate(rotation(last))).status).toBe('unknown');
    });

    check('a pair of long ago opens nothing and ends nothing', async ({ stores }) => {
      const { refresh } = await registered(stores);
      const first = rotation(refresh);
      const second = rotation(first.next);
      await stores.tokens.rotate(first);
      await stores.tokens.rotate(second);
      const replayed = rotation(refresh, first.next);
      expect(await stores.tokens.rotate(replayed)).toEqual({ status: 'unknown' });
      expect(await stores.tokens.session(replayed.access, start)).toBe(undefined);
      expect((await stores.tokens.rotate(rotation(second.next))).status).toBe('rotated');
    });

    check('a successor that is not new is refused, and nothing changes', async ({ stores }) => {
      const [one, other] = [await registered(stores), await registered(stores)];
      expect((await stores.tokens.rotate(rotation(one.refresh, one.refresh))).status).toBe('unknown');
      expect((await stores.tokens.rotate(rotation(one.refresh, other.refresh))).status).toBe('unknown');
      for (const { refresh } of [one, other])
        expect((await stores.tokens.rotate(rotation(refresh))).status).toBe('rotated');
    });

    check('a token that nobody knows is unknown', async ({ stores: { tokens } }) => {
      expect(await tokens.rotate(rotation(someBytes(32)))).toEqual({ status: 'unknown' });
    });

    check('parallel rotations of one pair: one rotates, the others repeat', async ({ stores }) => {
      const { refresh } = await registered(stores);
      const next = someBytes(32);
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => stores.tokens.rotate(rotation(refresh, next))),
      );
      expect(answers.filter(({ status }) => status === 'rotated').length).toBe(1);
      expect(answers.filter(({ status }) => status === 'repeated').length).toBe(19);
    });

    check('parallel rotations to different successors are theft', async ({ stores }) => {
      const { refresh } = await registered(stores);
      const steps = [rotation(refresh), rotation(refresh)];
      const answers = await Promise.all(steps.map((step) => stores.tokens.rotate(step)));
      expect(answers.map(({ status }) => status).sort()).toEqual(['reused', 'rotated']);
      for (const { access } of steps) expect(await stores.tokens.session(access, start)).toBe(undefined);
    });

    check('revocation ends all tokens of a device, and of no other', async ({ stores }) => {
      const [one, other] = [await registered(stores), await registered(stores)];
      const tokens = [someBytes(32), someBytes(32)] as const;
      await stores.tokens.grant(one.device, tokens[0], start + hour);
      await stores.tokens.grant(other.device, tokens[1], start + hour);
      await stores.tokens.revoke(one.device);
      await stores.tokens.revoke(someDevice());
      expect(await stores.tokens.session(tokens[0], start)).toBe(undefined);
      expect((await stores.tokens.rotate(rotation(one.refresh))).status).toBe('unknown');
      expect((await stores.tokens.session(tokens[1], start))?.device).toEqual(other.device);
      await stores.tokens.grant(one.device, tokens[0], start + hour);
      expect(await stores.tokens.session(tokens[0], start)).toBe(undefined);
    });

    check('a device has a session until its tokens end, or it has left its list', async ({ stores }) => {
      const { tokens, accounts } = stores;
      const [account, other] = [someAccount(), await registered(stores)];
      const { device } = account;
      await accounts.register(account);
      const step = rotation(account.refreshTokenHash);
      await tokens.rotate(step);
      const incarnation = (await tokens.session(step.access, start))?.incarnation;
      const named = incarnation === undefined ? device : { ...device, incarnation };
      expect([await tokens.hasSession(device), await tokens.hasSession(named)]).toEqual([true, true]);
      expect(await tokens.hasSession(someDevice(2, device.userId))).toBe(false);
      expect(await tokens.hasSession(someDevice())).toBe(false);
      await tokens.rotate(rotation(account.refreshTokenHash));
      expect([await tokens.hasSession(device), await tokens.hasSession(named)]).toEqual([false, false]);
      await tokens.revoke(other.device);
      expect(await tokens.hasSession(other.device)).toBe(false);
      const old = someAccount();
      await accounts.register(old);
      await accounts.register(someAccount({ numberMac: old.numberMac }));
      expect(await tokens.hasSession(old.device)).toBe(false);
    });

    check('sweeps access tokens that ended, and forgets replaced ones after 60 days', async ({ stores }) => {
      const { device, refresh } = await registered(stores);
      const first = rotation(refresh);
      await stores.tokens.rotate(first);
      await stores.tokens.grant(device, someBytes(32), start + 2 * hour);
      expect(await stores.tokens.sweep(start + hour)).toBe(0);
      expect(await stores.tokens.sweep(start + hour + 1)).toBe(1);
      await stores.tokens.sweep(start + 60 * day);
      expect((await stores.tokens.rotate(rotation(refresh, first.next))).status).toBe('repeated');
      await stores.tokens.sweep(start + 60 * day + 1);
      expect((await stores.tokens.rotate(rotation(refresh))).status).toBe('unknown');
      expect((await stores.tokens.rotate(rotation(first.next))).status).toBe('rotated');
    });

    check(
      'who shows the last refresh token of a device that is gone is told why, and nobody else',
      async ({ stores }) => {
        const { tokens, accounts } = stores;
        const old = someAccount();
        await accounts.register(old);
        const first = rotation(old.refreshTokenHash);
        await tokens.rotate(first);
        await accounts.register(someAccount({ numberMac: old.numberMac }));
        expect(await tokens.rotate(rotation(old.refreshTokenHash, first.next))).toEqual({ status: 'unknown' });
        expect(await tokens.rotate(rotation(old.refreshTokenHash))).toEqual({ status: 'unknown' });
        const ended = { status: 'ended', reason: 'replaced' };
        const late = rotation(first.next);
        for (const _ of [1, 2]) expect(await tokens.rotate(late)).toEqual(ended);
        expect(await tokens.session(late.access, start)).toBe(undefined);
        expect(await tokens.rotate(rotation(late.next))).toEqual({ status: 'unknown' });
      },
    );

    check('forgets why a device is gone 60 days after a sweep has found it', async ({ stores }) => {
      const { tokens, accounts } = stores;
      const old = someAccount();
      await accounts.register(old);
      await accounts.register(someAccount({ numberMac: old.numberMac }));
      for (const now of [start, start + 60 * day]) {
        await tokens.sweep(now);
        expect((await tokens.rotate(rotation(old.refreshTokenHash))).status).toBe('ended');
      }
      await tokens.sweep(start + 60 * day + 1);
      expect((await tokens.rotate(rotation(old.refreshTokenHash))).status).toBe('unknown');
    });

    checkWith('reopen', 'tokens, replaced ones, revocations and ends outlive a restart', async (harness) => {
      const gone = someAccount();
      await harness.stores.accounts.register(gone);
      await harness.stores.accounts.register(someAccount({ numberMac: gone.numberMac }));
      const [one, other] = [await registered(harness.stores), await registered(harness.stores)];
      const first = rotation(one.refresh);
      await harness.stores.tokens.rotate(first);
      await harness.stores.tokens.revoke(other.device);
      await harness.reopen();
      const { tokens } = harness.stores;
      expect((await tokens.session(first.access, start))?.device).toEqual(one.device);
      expect((await tokens.rotate(rotation(one.refresh, first.next))).status).toBe('repeated');
      expect((await tokens.rotate(rotation(one.refresh))).status).toBe('reused');
      expect((await tokens.rotate(rotation(other.refresh))).status).toBe('unknown');
      expect((await tokens.rotate(rotation(gone.refreshTokenHash))).status).toBe('ended');
    });
  });
}
