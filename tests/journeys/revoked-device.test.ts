import { hkdfSync, randomBytes } from 'node:crypto';
import { CiphertextKind, SealedSends, uuidToBytes } from '@sotto/proto';
import type { AccountRecord } from '@sotto/sdk/ports';
import { describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from './journey-world.ts';
import { anotherDevice, toldOfDevices } from './linked-person.ts';
import { failureOf, type Person } from './person.ts';

async function accountOf(person: Person): Promise<AccountRecord> {
  const account = await person.observed.store().get('account', {});
  if (account === undefined) throw new Error('there is no account');
  return account;
}

/** What somebody gets who shows the access key of a profile key, and no token: the status, and the relay's word on a refusal. */
async function writesTo(world: JourneyWorld, { userId }: AccountRecord, profileKey: Uint8Array) {
  const accessKey = new Uint8Array(hkdfSync('sha256', profileKey, '', 'sotto access key v1', 16));
  const device = { deviceId: 1, registrationId: 1, kind: CiphertextKind.CIPHERTEXT_KIND_SEALED };
  const send = {
    sendId: new Uint8Array(randomBytes(16)),
    suite: 1,
    deviceListVersion: 1,
    devices: [{ ...device, ciphertext: new Uint8Array(randomBytes(200)) }],
    attempt: 1,
  };
  const answer = await fetch(`${world.url}/v1/sealed`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: SealedSends.encode({ userId: uuidToBytes(userId), accessKey, sends: [send] }),
  });
  const refused = answer.ok ? undefined : ((await answer.json()) as { readonly error: { readonly code: string } });
  return [answer.status, refused?.error.code];
}

/** Resolves when somebody's account, as a device of theirs has it, has another profile key than this one. */
async function rotated(world: JourneyWorld, device: Person, before: Uint8Array): Promise<AccountRecord> {
  for (;;) {
    const { commits } = device.observed;
    const account = await accountOf(device);
    if (Buffer.compare(account.profileKey, before) !== 0) return account;
    await world.watch.until(() => device.observed.commits > commits);
  }
}

/** Resolves when a device of somebody's knows this key of somebody else. */
async function knows(world: JourneyWorld, person: Person, { userId, profileKey }: AccountRecord): Promise<void> {
  for (;;) {
    const { commits } = person.observed;
    const user = await person.observed.store().get('user', { id: userId });
    if (user?.profileKey && Buffer.compare(user.profileKey, profileKey) === 0) return;
    await world.watch.until(() => person.observed.commits > commits);
  }
}

const namesOf = async ({ client }: Person) => (await client.devices.list()).map(({ name }) => name);

describe('what a revoked device has kept', () => {
  it('opens no mailbox and no profile: the access key is another one, and own devices and contacts know it  [security: sealed-sends] [security: linking-phishing]', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob] = [await world.person(), await world.person()];
    await exchange(alice, bob);
    const tablet = await anotherDevice(world, alice, 'Tablet');
    const laptop = await anotherDevice(world, alice, 'Laptop');
    await world.watch.until(() => toldOfDevices(tablet, 'device.linked').includes('Laptop'));
    const saved = await accountOf(laptop);
    const lastSeen = await bob.observed.store().get('user', { id: saved.userId });
    expect(lastSeen?.profileKey).toEqual(saved.profileKey);
    // It is let in, if with a list that is not the one: whoever has the key is heard.
    expect(await writesTo(world, saved, saved.profileKey)).toEqual([200, undefined]);

    await alice.client.devices.revoke(3 as never);
    const now = await rotated(world, alice, saved.profileKey);
    expect(now.nextProfileKey).toBeUndefined();
    expect((await rotated(world, tablet, saved.profileKey)).profileKey).toEqual(now.profileKey);
    await knows(world, bob, now);
    expect(await writesTo(world, saved, saved.profileKey)).toEqual([401, 'sealed-refused']);
    expect(await writesTo(world, saved, now.profileKey)).toEqual([200, undefined]);
    expect([await namesOf(alice), await namesOf(tablet)]).toEqual([
      ['', 'Tablet'],
      ['', 'Tablet'],
    ]);
    expect(toldOfDevices(tablet, 'device.removed')).toEqual(['Laptop']);
    await world.watch.until(() => laptop.client.connection === 'ended');
    expect((await accountOf(laptop)).profileKey).toEqual(saved.profileKey);
    await bob.say(alice, 'to those who are left', 'delivered');
    for (const device of [alice, tablet]) await device.received('to those who are left');
    await tablet.say(bob, 'under the new key', 'delivered');
  });

  it('is worth nothing, too, when the revocation was cut off and found its end after a restart  [security: sealed-sends]', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = [await world.person(), await world.person()];
    await exchange(alice, bob);
    const laptop = await anotherDevice(world, alice, 'Laptop');
    const saved = await accountOf(laptop);
    await laptop.stop();
    await world.stop();
    expect(await failureOf(alice.client.devices.revoke(2 as never))).toMatchObject({ code: 'relay-unreachable' });
    await alice.stop();
    await world.start();
    await alice.open();
    const now = await rotated(world, alice, saved.profileKey);
    expect(await writesTo(world, saved, saved.profileKey)).toEqual([401, 'sealed-refused']);
    await knows(world, bob, now);
    expect(await namesOf(alice)).toEqual(['']);
  });
});
