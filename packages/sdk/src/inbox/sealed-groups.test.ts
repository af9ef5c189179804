import { CiphertextKind, Envelope, type SealedContextFields, uuidToBytes } from '@sotto/proto';
import { beforeEach, describe, expect, it } from 'vitest';
import { type CertificateChanges, certificateMaker } from '../../test/certificate-maker.ts';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { delivered } from '../../test/receiving-device.ts';
import { deliveredOf, meetDevice } from '../../test/test-device.ts';
import { pad } from '../crypto/padding.ts';
import { sealForMany } from '../crypto/sealed-many.ts';
import { SenderKeys } from '../crypto/sender-keys.ts';
import { contentForGroup, newContent } from '../messages/outgoing-content.ts';

const day = 24 * 3_600_000;
const distributionId = '00000000-0000-4000-8000-000000000001';
let world: GroupWorld;
let alice: GroupPerson;
let bob: GroupPerson;
let mallory: GroupPerson;
let seq: number;

beforeEach(async () => {
  world = await GroupWorld.of(3, 'sealed');
  [alice, bob, mallory] = world.people as [GroupPerson, GroupPerson, GroupPerson];
  for (const person of world.people) {
    for (const other of world.people) if (other !== person) await meetDevice(person.device, other.device);
  }
  seq = 0;
});

const userOf = (person: GroupPerson) => person.device.account.userId;

/** The key of somebody's chain, as another one may give it as their own. */
function keyOf(person: GroupPerson): Promise<Uint8Array> {
  return person.device.executor.run([], (overlay) =>
    new SenderKeys(overlay, 0).distribution(person.device.account, world.groupId, distributionId),
  );
}

/** Brings Bob a key, as `from` gives it. */
async function give(from: GroupPerson, distribution: Uint8Array): Promise<void> {
  const place = { groupId: world.wireId, groupEpoch: 1, groupHead: world.headOf(1) };
  const fields = { ...place, senderKeyDistribution: { groupId: world.wireId, distribution } };
  await bob.in.deliver(await delivered(from.device, bob.device, fields));
}

/** What is different from what an honest client sends. */
interface Tampering {
  readonly certificate?: CertificateChanges;
  readonly maker?: ReturnType<typeof certificateMaker>;
  /** Whose chain and words it is, when it is not the one who posts it. */
  readonly author?: GroupPerson;
  /** What the outer layer says of a message. */
  readonly context?: (messageId: Uint8Array) => SealedContextFields;
  readonly revision?: number;
  /** When the relay took it, later than now. */
  readonly later?: number;
  /** How many of the chain are left out before it. */
  readonly skipped?: number;
}

/** Posts a message to the group without a name, and brings Bob what the relay makes of it. */
async function post(
  from: GroupPerson,
  body: string,
  { certificate, maker = world.maker, author = from, context, revision = 1, later = 0, skipped = 0 }: Tampering = {},
): Promise<void> {
  const fields = { seq: ++seq, sentAt: 1, groupId: world.wireId, text: { body } };
  const made = newContent(author.device.origin(), undefined, fields);
  const place = { revision, head: world.headOf(revision) };
  const plaintext = pad(contentForGroup(made.encoded, place, { profileKey: undefined, at: 1, returnsReceipts: true }));
  const inner = await author.device.executor.run([], async (overlay) => {
    const keys = new SenderKeys(overlay, 0);
    for (let at = 0; at < skipped; at++) {
      await keys.seal(author.device.account, world.groupId, distributionId, pad(new Uint8Array()));
    }
    return keys.seal(author.device.account, world.groupId, distributionId, plaintext);
  });
  const { account, clock } = from.device;
  const now = clock.now();
  if (maker === undefined) throw new Error('nobody seals here');
  const origin = {
    certificate: maker.make(account, now, certificate),
    context: context?.(made.id) ?? inGroup(made.id, revision),
  };
  const sharedCiphertext = await from.device.executor.run([], (overlay) =>
    sealForMany(overlay, account, inner, origin, [bob.device.address]),
  );
  const send = { attempt: 1, suite: 1, sharedCiphertext, recipients: [{ userId: uuidToBytes(userOf(bob)) }] };
  const envelopes = deliveredOf(send, from.device.address, now + later);
  expect(envelopes.map((envelope) => Envelope.decode(envelope).kind)).toEqual([CiphertextKind.CIPHERTEXT_KIND_SEALED]);
  await bob.in.deliver(...envelopes);
}

describe('a message to a group under an outer layer', () => {
  it('is taken as any from who its certificate names', async () => {
    await give(alice, await keyOf(alice));
    await post(alice, 'hello');
    expect(await world.texts(bob)).toEqual(['hello']);
    expect(await bob.in.heldReasons()).toEqual([]);
  });

  it.each<[string, () => Tampering, string]>([
    ['has a certificate of another root', () => ({ maker: certificateMaker() }), 'certificate-invalid'],
    ['has one of another device', () => ({ certificate: { deviceId: 2 } }), 'no-sender-key'],
    [
      'has one of another identity key',
      () => ({ certificate: { identityKeyPair: mallory.device.account.identityKeyPair } }),
      'undecryptable',
    ],
    ['names another message outside', () => ({ context: () => inGroup(new Uint8Array(16), 1) }), 'message-id-mismatch'],
    ['names another revision outside', () => ({ context: (id) => inGroup(id, 2) }), 'group-mismatch'],
    ['runs too far ahead in its chain', () => ({ skipped: 2_001 }), 'counter-jump'],
  ])('is held when it %s  [security: sealed-sends]', async (_, tampering, reason) => {
    await give(alice, await keyOf(alice));
    await post(alice, 'not to be shown', tampering());
    expect(await bob.in.heldReasons()).toEqual([reason]);
    expect(await world.texts(bob)).toEqual([]);
  });

  it('is held when its certificate had ended, unless its identity key is the one that is trusted  [security: sealed-sends]', async () => {
    await give(alice, await keyOf(alice));
    const ended = { certificate: { expiresAt: alice.device.clock.now() - 1 } };
    await post(alice, 'known', ended);
    expect(await world.texts(bob)).toEqual(['known']);
    await bob.device.executor.run([], (overlay) => overlay.delete('identity', { userId: userOf(alice) }));
    await post(alice, 'not to be shown', ended);
    expect(await bob.in.heldReasons()).toEqual(['certificate-invalid']);
    expect(await world.texts(bob)).toEqual(['known']);
  });

  it('is shown though its author has another identity key by now: the chain that it was encrypted with is theirs', async () => {
    await give(alice, await keyOf(alice));
    const userId = userOf(alice);
    await bob.device.executor.run([], async (overlay) => {
      const known = await overlay.get('identity', { userId });
      if (known === undefined) throw new Error('she is not known');
      overlay.put('identity', { ...known, key: mallory.device.account.identityKeyPair.slice(-33) });
    });
    await post(alice, 'from before');
    expect(await world.texts(bob)).toEqual(['from before']);
  });

  it('is held when somebody puts their own name around another one’s words, with their chain given away as the own one or not  [security: group-impersonation]', async () => {
    await give(alice, await keyOf(alice));
    await post(mallory, 'in the name of another', { author: alice });
    expect(await bob.in.heldReasons()).toEqual(['no-sender-key']);
    await give(mallory, await keyOf(alice));
    await post(mallory, 'again', { author: alice });
    expect(await bob.in.heldReasons()).toContain('sender-mismatch');
    expect(await world.texts(bob)).toEqual([]);
  });

  it('shows nothing of who was removed, whatever revision they speak of, though no relay keeps them from posting  [security: removed-member]', async () => {
    await give(mallory, await keyOf(mallory));
    await world.know({ revision: 2, members: [alice, bob] }, [alice, bob]);
    await post(mallory, 'on its way', { later: 0 });
    expect(await world.texts(bob)).toEqual(['on its way']);
    await post(mallory, 'long gone', { later: 61_000 });
    await post(mallory, 'later still', { later: day });
    await post(mallory, 'as a member', { revision: 2, later: 61_000 });
    expect(new Set(await bob.in.heldReasons())).toEqual(new Set(['not-a-member']));
    expect(await world.texts(bob)).toEqual(['on its way']);
  });
});

function inGroup(messageId: Uint8Array, groupEpoch: number): SealedContextFields {
  return { messageId, groupId: world.wireId, groupEpoch };
}
