import { RatchetMessage } from '@sotto/proto';
import { expect, it } from 'vitest';
import { bundleOf, type TestDevice, testDevice } from '../../test/test-device.ts';
import { checkStructure } from '../crypto/precheck.ts';
import { peerLock, Ratchet, type SealedCiphertext } from '../crypto/ratchet.ts';
import type { DeviceId } from '../ports/ids.ts';

const plaintext = Uint8Array.of(1, 2, 3);

/** The same account on another device, with its identity key. */
async function sibling({ account }: TestDevice): Promise<TestDevice> {
  const made = await testDevice({ previous: account, sameIdentity: true });
  const deviceId = 2 as DeviceId;
  return { ...made, account: { ...made.account, deviceId }, address: { ...made.address, deviceId } };
}

function sealing(from: TestDevice, to: TestDevice): Promise<SealedCiphertext> {
  return from.executor.run([peerLock(to.account.userId)], (overlay) =>
    new Ratchet(from.account, overlay, from.clock.now()).seal(to.address, plaintext),
  );
}

/** The same message with another counter, which nobody has authenticated when it is looked at. */
function ahead({ kind, ciphertext }: SealedCiphertext, by: number): SealedCiphertext {
  const inner = ciphertext.slice(1, -8);
  const message = RatchetMessage.decode(inner);
  const encoded = RatchetMessage.encode({ ...message, counter: message.counter + by });
  return { kind, ciphertext: Uint8Array.from([ciphertext[0] ?? 0, ...encoded, ...ciphertext.slice(-8)]) };
}

function opening(to: TestDevice, from: TestDevice, { kind, ciphertext }: SealedCiphertext) {
  return to.executor.run([peerLock(from.account.userId)], (overlay) =>
    new Ratchet(to.account, overlay, to.clock.now()).open(from.address, checkStructure(kind, ciphertext), ciphertext),
  );
}

it('a session between own devices works, and a counter far ahead is held before libsignal, which knows no limit there, sees it  [security: poison]', async () => {
  const phone = await testDevice();
  const tablet = await sibling(phone);
  await tablet.executor.run([peerLock(phone.account.userId)], (overlay) =>
    new Ratchet(tablet.account, overlay, tablet.clock.now()).start(phone.address, bundleOf(phone)),
  );
  expect(await opening(phone, tablet, await sealing(tablet, phone))).toMatchObject({ plaintext, newSession: true });
  expect(await opening(tablet, phone, await sealing(phone, tablet))).toMatchObject({ plaintext });
  const next = await sealing(tablet, phone);
  await expect(opening(phone, tablet, ahead(next, 24_900))).rejects.toMatchObject({ reason: 'counter-jump' });
  await expect(opening(phone, tablet, ahead(next, 1))).rejects.toMatchObject({ reason: 'undecryptable' });
  expect(await opening(phone, tablet, next)).toMatchObject({ plaintext });
});
