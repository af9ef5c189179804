import { CiphertextKind, type ContentFields, Envelope, type GroupWelcomeFields, uuidToBytes } from '@sotto/proto';
import { pad } from '../src/crypto/padding.ts';
import { SenderKeys } from '../src/crypto/sender-keys.ts';
import { keyCommitment } from '../src/groups/group-cipher.ts';
import { stateOf } from '../src/groups/stored-group.ts';
import { writeWelcome } from '../src/groups/welcome.ts';
import { contentForGroup, newContent } from '../src/messages/outgoing-content.ts';
import { type GroupPerson, GroupWorld } from './group-world.ts';
import { delivered } from './receiving-device.ts';
import { meetDevice, sha256 } from './test-device.ts';

const distributionId = '00000000-0000-4000-8000-000000000001';

/** Whose this client is. */
export const userOf = (person: GroupPerson) => person.device.account.userId;

/** The id of a chain, by its number. */
export function chainOf(at: number): string {
  return `00000000-0000-4000-8000-0000000001${at.toString(16).padStart(2, '0')}`;
}

/** The key of a chain of somebody's own, as they would give it to another. */
export async function keyOf(world: GroupWorld, person: GroupPerson, chain = distributionId): Promise<Uint8Array> {
  const { device } = person;
  return device.executor.run([], (overlay) =>
    new SenderKeys(overlay, 0).distribution(device.account, world.groupId, chain),
  );
}

/** Brings a content from one to the other, with what it says of the group. */
export async function bring(
  world: GroupWorld,
  from: GroupPerson,
  to: GroupPerson,
  fields: ContentFields,
  revision = 1,
): Promise<void> {
  const place = { groupId: world.wireId, groupEpoch: revision, groupHead: world.headOf(revision) };
  await to.in.deliver(await delivered(from.device, to.device, { ...place, ...fields }));
}

/** An envelope under somebody's own chain. */
export async function sealed(
  world: GroupWorld,
  from: GroupPerson,
  to: GroupPerson,
  {
    revision = 1,
    head = world.headOf(revision),
    author = from,
    wireId = world.wireId,
    seq = 1,
    chain = distributionId,
  } = {},
  fields: ContentFields = { text: { body: 'hello' } },
): Promise<Uint8Array> {
  const origin = author.device.origin();
  const made = newContent(origin, undefined, { seq, sentAt: 1, groupId: wireId, ...fields });
  const own = { profileKey: undefined, at: 1, returnsReceipts: true };
  const plaintext = pad(contentForGroup(made.encoded, { revision, head }, own));
  const message = await from.device.executor.run([], (overlay) =>
    new SenderKeys(overlay, 0).seal(from.device.account, world.groupId, chain, plaintext),
  );
  const ciphertext = message.serialize();
  return Envelope.encode({
    suite: 1,
    kind: CiphertextKind.CIPHERTEXT_KIND_SENDER_KEY,
    ciphertext,
    messageId: made.id,
    senderUser: uuidToBytes(userOf(from)),
    senderDevice: 1,
    recipientUser: uuidToBytes(userOf(to)),
    recipientDevice: 1,
    acceptedAt: 1,
    expiresAt: 2,
    attempt: 1,
    groupId: world.wireId,
    groupEpoch: revision,
  });
}

/** Seals so many that nobody gets. */
export async function skip(world: GroupWorld, { device }: GroupPerson, count: number): Promise<void> {
  await device.executor.run([], async (overlay) => {
    const keys = new SenderKeys(overlay, 0);
    for (let at = 0; at < count; at++)
      await keys.seal(device.account, world.groupId, distributionId, pad(new Uint8Array()));
  });
}

/** What gives the key of a chain. */
export const given = (world: GroupWorld, distribution: Uint8Array) => ({
  senderKeyDistribution: { groupId: world.wireId, distribution },
});

/** What somebody who knows the group would welcome another one with. */
export async function welcomeOf(world: GroupWorld, { device }: GroupPerson): Promise<GroupWelcomeFields> {
  const group = await device.store.get('group', { id: world.groupId });
  const state = group && stateOf(group);
  if (group === undefined || state === undefined) throw new Error('they do not know the group');
  const key = { keyEpoch: state.keyEpoch, key: new Uint8Array(32).fill(3) };
  const named = { ...state, keyCommitment: keyCommitment(world.wireId, key, sha256) };
  return writeWelcome({ at: { state: named, head: group.head }, key });
}

/** Two, of whom the second has the key of the first. */
export async function withKey(count = 2): Promise<[GroupWorld, GroupPerson, GroupPerson, GroupPerson]> {
  const world = await GroupWorld.talking(count);
  const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
  await bring(world, alice, bob, given(world, await keyOf(world, alice)));
  return [world, alice, bob, carol];
}

/** Two of a group at revision 2, and a third member who was not welcomed yet. */
export async function withUnwelcomed(): Promise<[GroupWorld, GroupPerson, GroupPerson, GroupPerson]> {
  const world = await GroupWorld.talking(2);
  const [alice, bob] = world.people as [GroupPerson, GroupPerson];
  const dave = await world.newcomer();
  await meetDevice(alice.device, dave.device);
  await meetDevice(bob.device, dave.device);
  await meetDevice(dave.device, alice.device);
  await world.know({ revision: 2, members: world.people }, [alice, bob]);
  return [world, alice, bob, dave];
}
