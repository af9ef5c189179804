import { describe, expect, it } from 'vitest';
import { type NamedLibrary, pairs } from './libraries.ts';
import { outcomeOf } from './outcome.ts';
import { now, Party } from './party.ts';
import { Authority, certificateOf, contentOf, expiration, rootOf } from './sealed-party.ts';

const text = (words: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(words);
const id = (last: number): string => `a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f000${last}`;
const distribution = 'd1d1d1d1-7000-11eb-b32a-33b8a8a487a6';

async function acquainted(from: NamedLibrary, to: NamedLibrary) {
  const authority = new Authority(from.library);
  const [alice, bob] = [new Party(from, id(1)), new Party(to, id(2))];
  await alice.start(bob);
  const certificate = certificateOf(alice, authority.certify(alice, '+14155550101'));
  return { authority, alice, bob, certificate };
}

async function opened(
  bob: Party,
  authority: Authority,
  sealed: Uint8Array,
  at = now.getTime(),
  own = bob.address.name(),
) {
  const { session, identity, prekey, signedPrekey, kyberPrekey } = bob.stores;
  const result = await bob.library.sealedSenderDecryptMessage(
    Uint8Array.from(sealed),
    rootOf(bob, authority),
    at,
    null,
    own,
    bob.address.deviceId(),
    session,
    identity,
    prekey,
    signedPrekey,
    kyberPrekey,
  );
  return [new TextDecoder().decode(result.message()), result.senderUuid(), result.senderE164(), result.deviceId()];
}

describe.each(pairs)('sealed senders from %o to %o', (from, to) => {
  it('version 1: both layers', async () => {
    const { authority, alice, bob, certificate } = await acquainted(from, to);
    const { session, identity } = alice.stores;
    for (const words of ['first', 'second']) {
      const sealed = await alice.library.sealedSenderEncryptMessage(
        text(words),
        alice.addressOf(bob),
        certificate,
        session,
        identity,
      );
      expect(sealed[0]).toBe(0x11);
      expect(await opened(bob, authority, sealed)).toEqual([words, id(1), '+14155550101', 1]);
    }
  });

  it('version 1: what is refused', async () => {
    const { authority, alice, bob, certificate } = await acquainted(from, to);
    const { session, identity } = alice.stores;
    const to_ = alice.addressOf(bob);
    const sealed = await alice.library.sealedSenderEncryptMessage(text('x'), to_, certificate, session, identity);
    const foreign = new Authority(from.library);
    const outcomes = [
      await outcomeOf(() => opened(bob, foreign, sealed)),
      await outcomeOf(() => opened(bob, authority, sealed, expiration + 1)),
      await outcomeOf(() => opened(bob, authority, sealed, now.getTime(), id(1))),
      await outcomeOf(() => opened(bob, authority, sealed, expiration)),
    ];
    expect(outcomes.map((outcome) => outcome.split(' in ')[0])).toEqual([
      'LibSignalError (0)',
      'LibSignalError (0)',
      'SealedSenderSelfSend (2)',
      `gave x,${id(1)},+14155550101,1`,
    ]);
  });

  it('version 1: a request to send again', async () => {
    const { alice, bob, certificate } = await acquainted(from, to);
    const { library } = alice;
    const original = await alice.encrypt(bob, text('lost'));
    const error = library.DecryptionErrorMessage.forOriginal(original.bytes, 3, 1_800_000_000_123, 1);
    const message = library.PlaintextContent.from(error).asCiphertextMessage();
    const content = contentOf(alice, message, certificate, text('group'));
    const sealed = await library.sealedSenderEncrypt(content, alice.addressOf(bob), alice.stores.identity);
    const seen = await bob.library.sealedSenderDecryptToUsmc(Uint8Array.from(sealed), bob.stores.identity);
    expect([seen.msgType(), seen.contentHint(), seen.groupId()]).toEqual([8, 1, text('group')]);
    const plain = bob.library.PlaintextContent.deserialize(seen.contents());
    const body = bob.library.DecryptionErrorMessage.extractFromSerializedBody(plain.body());
    expect([body.timestamp(), body.deviceId()]).toEqual([1_800_000_000_123, 1]);
    expect(body.ratchetKey()?.serialize()).toEqual(error.ratchetKey()?.serialize());
    const ratchetKey = alice.library.PublicKey.deserialize(body.ratchetKey()?.serialize() ?? new Uint8Array());
    const session = await alice.stores.session.getSession(alice.addressOf(bob));
    expect(session?.currentRatchetKeyMatches(ratchetKey)).toBe(true);
    const certified = seen.senderCertificate();
    expect(certified.serialize()).toEqual(certificate.serialize());
    expect(certified.serverCertificate().keyId()).toBe(1);
    expect([certified.senderUuid(), certified.senderDeviceId(), certified.expiration()]).toEqual([
      id(1),
      1,
      expiration,
    ]);
  });

  it('version 2: one message of a group for many devices', async () => {
    const { authority, alice, bob, certificate } = await acquainted(from, to);
    const carol = new Party(from, id(3), { deviceId: 2, registrationId: 16_383 });
    await alice.start(carol);
    const { library, stores, address } = alice;
    const key = await library.SenderKeyDistributionMessage.create(address, distribution, stores.senderKey);
    const given = bob.library.SenderKeyDistributionMessage.deserialize(key.serialize());
    await bob.library.processSenderKeyDistributionMessage(bob.addressOf(alice), given, bob.stores.senderKey);
    const message = await library.groupEncrypt(address, distribution, stores.senderKey, text('to all'));
    const content = contentOf(alice, message, certificate, text('group'));
    const recipients = [alice.addressOf(bob), alice.addressOf(carol)];
    const many = await library.sealedSenderMultiRecipientEncrypt(content, recipients, stores.identity, stores.session);
    expect(() => library.sealedSenderMultiRecipientMessageForSingleRecipient(many)).toThrow(library.LibSignalErrorBase);
    const one = await library.sealedSenderMultiRecipientEncrypt({
      content,
      recipients: [alice.addressOf(bob)],
      excludedRecipients: [library.ServiceId.parseFromServiceIdString(id(9))],
      identityStore: stores.identity,
      sessionStore: stores.session,
    });
    expect(one.length).toBeGreaterThan(100);
    const only = await library.sealedSenderMultiRecipientEncrypt(
      content,
      [alice.addressOf(bob)],
      stores.identity,
      stores.session,
    );
    const received = bob.library.sealedSenderMultiRecipientMessageForSingleRecipient(only);
    const seen = await bob.library.sealedSenderDecryptToUsmc(received, bob.stores.identity);
    expect(seen.senderCertificate().validate(rootOf(bob, authority), now.getTime())).toBe(true);
    expect([seen.msgType(), seen.groupId()]).toEqual([7, text('group')]);
    const open = bob.library.groupDecrypt(bob.addressOf(alice), bob.stores.senderKey, seen.contents());
    expect(await open).toEqual(text('to all'));
  });

  it('version 2: a registration id has at most 14 bits', async () => {
    const { alice, bob, certificate } = await acquainted(from, to);
    const wide = new Party(to, id(4), { registrationId: 16_384 });
    await alice.start(wide);
    const { library, stores } = alice;
    const message = library.PlaintextContent.from(
      library.DecryptionErrorMessage.forOriginal((await alice.encrypt(bob, text('x'))).bytes, 3, 1, 1),
    ).asCiphertextMessage();
    const content = contentOf(alice, message, certificate);
    const seal = library.sealedSenderMultiRecipientEncrypt(
      content,
      [alice.addressOf(wide)],
      stores.identity,
      stores.session,
    );
    const error = await seal.catch((reason: unknown) => reason);
    if (!(error instanceof library.LibSignalErrorBase)) throw new Error('it was not refused');
    expect(error.code).toBe(4);
    expect(error.addr.toString()).toBe(`${id(4)}.1`);
  });
});
