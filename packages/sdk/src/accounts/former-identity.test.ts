import { expect, it } from 'vitest';
import { meetDevice, randomness, sha256, testDevice } from '../../test/test-device.ts';
import { openChat } from '../chats/chat-state.ts';
import { secretDelivered, secretToGive } from '../ephemeral/ephemeral-secrets.ts';
import { forgetFormerIdentity } from './former-identity.ts';

it('takes the secrets of ephemeral signals along: contacts get new ones from the new account', async () => {
  const [alice, bob] = [await testDevice(), await testDevice()];
  const { userId } = bob.account;
  const ownDevice = alice.account.deviceId;
  await meetDevice(alice, bob);
  await alice.executor.run([], (overlay) => openChat(overlay, userId, 1));
  const give = () =>
    alice.executor.run([], (overlay) => secretToGive(overlay, { userId, ownDevice, deviceListVersion: 1, randomness }));
  const before = await give();
  await alice.executor.run([], (overlay) => secretDelivered(overlay, userId, ownDevice, Number.MAX_SAFE_INTEGER));
  expect(await give()).toBeUndefined();
  const next = (await testDevice()).account;
  await alice.executor.run([], (overlay) => forgetFormerIdentity(overlay, alice.store, alice.account, next, sha256));
  const after = await give();
  expect(after).toHaveLength(32);
  expect(after).not.toEqual(before);
});
