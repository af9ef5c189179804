import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from '../journeys/journey-world.ts';

/** As an app's log would have it, whatever its settings. */
function printed(value: object): string {
  return inspect(value, { depth: Number.POSITIVE_INFINITY, maxArrayLength: null, maxStringLength: null });
}

describe('the objects that an app holds', () => {
  it('show no token, key, number or text of anybody when they are printed whole', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob] = [await world.person(), await world.person()];
    await exchange(alice, bob);
    const { client } = alice;
    const chat = await alice.chat(bob);
    const group = await client.groups.create({ title: 'Printed', members: [chat] });
    const objects = { client, chat, group, groups: client.groups, chats: client.chats, devices: client.devices };
    const account = await alice.observed.store().get('account', {});
    if (account === undefined) throw new Error('the account is stored');
    const secrets = [account.accessToken, alice.phone, bob.phone, 'Printed'];
    for (const [name, object] of Object.entries(objects)) {
      const text = printed(object);
      for (const secret of secrets) expect({ name, shows: text.includes(secret) }).toEqual({ name, shows: false });
      expect({ name, bytes: /Uint8Array|Buffer/.test(text) }).toEqual({ name, bytes: false });
      expect(text.length).toBeLessThan(2_000);
    }
  });
});
