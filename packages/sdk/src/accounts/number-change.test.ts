import { expect, it } from 'vitest';
import { accountClient } from '../../test/account-client.ts';
import { randomness, sha256 } from '../../test/test-device.ts';
import { NumberChange } from './number-change.ts';

const [own, other] = ['+14155550101', '+14155550199'];

async function changing() {
  const client = await accountClient();
  await client.register();
  const { executor, store, anonymous, http, clock, service } = client;
  const account = await client.account();
  if (account === undefined) throw new Error('no account');
  const origin = () => ({ account, returnsReceipts: true, sha256, randomness });
  const change = new NumberChange({ executor, queries: store, anonymous, http, origin, clock });
  let asked = 0;
  const code = () => {
    asked++;
    return service.code;
  };
  return { client, service, to: (phone: string) => change.change({ phone, code }), asked: () => asked };
}

it('changes back to the number that is known here when the relay has moved to another', async () => {
  const { client, service, to, asked } = await changing();
  await using _ = client;
  // The answer to a change was lost, and nobody asked for it again.
  service.number = other;
  await to(own);
  expect([service.number, asked()]).toEqual([own, 1]);
  expect((await client.account())?.number).toBe(own);
  expect(await client.store.get('registration', {})).toBe(undefined);
});

it('needs no code for the number that the account has', async () => {
  const { client, to, asked } = await changing();
  await using _ = client;
  expect(await to(own)).toEqual([]);
  expect(asked()).toBe(0);
});
