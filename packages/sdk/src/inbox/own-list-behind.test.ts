import { expect, it } from 'vitest';
import { GroupWorld } from '../../test/group-world.ts';
import { delivered } from '../../test/receiving-device.ts';
import { meetDevice, sha256 } from '../../test/test-device.ts';
import { rootKeyOf } from '../accounts/recovery-key.ts';
import { rootSecretOf } from '../accounts/standing.ts';
import { signDeviceList, verifyDeviceList } from '../devices/device-list.ts';
import { nextList } from '../devices/next-list.ts';
import { keyCommitment } from '../groups/group-cipher.ts';
import { stateOf } from '../groups/stored-group.ts';
import { writeWelcome } from '../groups/welcome.ts';

/** A device of somebody whom another one welcomes by a device list that it has not heard of, and writes to. */
async function welcomedAhead() {
  const world = await GroupWorld.of(1);
  const { people, groupId, wireId } = world;
  const reader = await world.newcomer();
  const [author] = people;
  if (author === undefined) throw new Error('nobody is there');
  await world.know({ revision: 2, members: people }, [author]);
  for (const other of people) {
    for (const person of people) if (person !== other) await meetDevice(person.device, other.device);
  }
  const group = await author.device.store.get('group', { id: groupId });
  const known = group && stateOf(group);
  if (known === undefined) throw new Error('they do not know the group');
  const key = { keyEpoch: known.keyEpoch, key: new Uint8Array(32).fill(3) };
  const { userId, deviceList, rootSecret } = reader.device.account;
  const state = {
    ...known,
    keyCommitment: keyCommitment(wireId, key, sha256),
    members: known.members.map((member) => (member.userId === userId ? { ...member, deviceListVersion: 2 } : member)),
  };
  const groupWelcome = writeWelcome({ at: { state, head: world.headOf(2) }, key });
  const place = { groupId: wireId, groupEpoch: 2, groupHead: world.headOf(2) };
  const text = { ...place, seq: 1, sentAt: 1, text: { body: 'welcome aboard' } };
  for (const fields of [{ groupWelcome }, text]) {
    await reader.in.deliver(await delivered(author.device, reader.device, fields));
  }
  const takeOver = async () => {
    const before = verifyDeviceList(deviceList, userId, sha256);
    const root = rootKeyOf(rootSecretOf({ ...reader.device.account, rootSecret }));
    const next = signDeviceList(nextList(before, { devices: before.devices, createdAt: 5 }), root);
    const account = await reader.device.store.get('account', {});
    await reader.device.executor.run([], (overlay) => {
      if (account) overlay.put('account', { ...account, deviceList: next });
    });
    Object.assign(reader.device.account, { deviceList: next });
  };
  return { world, reader, takeOver };
}

it('a welcome by a later version of the own device list waits for that, and what belongs to the group behind it', async () => {
  const { world, reader, takeOver } = await welcomedAhead();
  expect(await reader.in.heldReasons()).toEqual(['own-list-behind', 'group-unknown']);
  expect(reader.in.behind).toEqual([world.groupId]);
  expect(await reader.device.store.get('group', { id: world.groupId })).toBeUndefined();
  // Nobody has shown that version yet.
  reader.in.inbox.moved(world.groupId);
  await reader.in.inbox.idle();
  expect(await reader.in.heldReasons()).toEqual(['own-list-behind', 'group-unknown']);
  await takeOver();
  reader.in.inbox.moved(world.groupId);
  await reader.in.inbox.idle();
  expect(await reader.in.heldReasons()).toEqual([]);
  expect(await reader.device.store.get('group', { id: world.groupId })).toMatchObject({ standing: 'member' });
  expect(await world.texts(reader)).toEqual(['welcome aboard']);
});
