import { expect, it } from 'vitest';
import { accountClient } from '../../test/account-client.ts';
import { meetDevice, sha256, startSession, testDevice } from '../../test/test-device.ts';
import { openChat } from '../chats/chat-state.ts';
import { deleteAccount } from './deletion.ts';

it('leaves no secret of the account in the store', async () => {
  await using client = await accountClient();
  await client.register();
  const { executor, store, http } = client;
  const before = await client.account();
  if (before === undefined) throw new Error('no account');
  await deleteAccount({ executor, queries: store, http, account: () => before, sha256 });
  const after = await client.account();
  if (after === undefined) throw new Error('no record');
  const { identityKeyPair, devicePrivateKey, rootSecret, profileKey, refreshToken, nextRefreshToken } = after;
  for (const secret of [identityKeyPair, devicePrivateKey, rootSecret, profileKey, refreshToken]) {
    expect(secret.every((byte) => byte === 0)).toBe(true);
  }
  expect([nextRefreshToken, after.accessToken, after.ended]).toEqual([undefined, '', true]);
  expect(await store.prekeys()).toEqual([]);
});

it('leaves no session', async () => {
  const [alice, bob] = [await testDevice(), await testDevice()];
  await meetDevice(alice, bob);
  await startSession(alice, bob);
  const { userId, deviceId } = bob.account;
  await alice.executor.run([], (overlay) => openChat(overlay, userId, 1).then(() => undefined));
  expect(await alice.store.get('session', { userId, deviceId })).toBeDefined();
  const { executor, store, account } = alice;
  const http = { authorized: async () => undefined as never };
  await deleteAccount({ executor, queries: store, http, account: () => account, sha256 });
  expect(await store.get('session', { userId, deviceId })).toBe(undefined);
});
