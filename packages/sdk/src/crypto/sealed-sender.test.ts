import { groupEncrypt, SenderKeyDistributionMessage, SenderKeyStore } from '@signalapp/libsignal-client';
import SealedSenderMultiRecipientMessage from '@signalapp/libsignal-client/dist/SealedSenderMultiRecipientMessage.js';
import { CiphertextKind, Envelope, uuidToBytes } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import type { SenderCertificate } from '#libsignal';
import { type CertificateChanges, certificateMaker } from '../../test/certificate-maker.ts';
import { startSession, type TestDevice, testDevice } from '../../test/test-device.ts';
import { asBuffer } from './as-buffer.ts';
import { ownIdentity } from './libsignal-stores.ts';
import { checkStructure } from './precheck.ts';
import { protocolAddress } from './protocol-address.ts';
import { peerLock, Ratchet } from './ratchet.ts';
import { senderCertificateMs, serverKeyMs } from './sealed-certificate.ts';
import { sealForMany } from './sealed-many.ts';
import { type UnsealedEnvelope, unseal } from './sealed-open.ts';

const maker = certificateMaker();
const plaintext = Uint8Array.of(1, 2, 3);
const messageId = new Uint8Array(16).fill(7);
const context = { messageId };
const now = serverKeyMs * 690 + 12_345_678;

/** A message of one device for another that names its sender to that one alone. */
async function sealed(from: TestDevice, to: TestDevice, certificate: SenderCertificate, of: object = context) {
  const { ciphertext, kind } = await from.executor.run([peerLock(to.account.userId)], (overlay) =>
    new Ratchet(from.account, overlay, from.clock.now()).sealUnnamed(to.address, plaintext, {
      certificate,
      context: of,
    }),
  );
  return envelopeTo(to, { ciphertext, kind });
}

function envelopeTo(to: TestDevice, fields: object): Envelope {
  const { userId, deviceId } = to.account;
  const target = { recipientUser: uuidToBytes(userId), recipientDevice: deviceId };
  const kind = CiphertextKind.CIPHERTEXT_KIND_SEALED;
  return Envelope.decode(Envelope.encode({ suite: 1, kind, attempt: 1, acceptedAt: now, ...target, ...fields }));
}

function unsealed(to: TestDevice, envelope: Envelope, roots = [maker.root]): Promise<UnsealedEnvelope> {
  return unseal(envelope, [ownIdentity(to.account)], roots);
}

async function pair(): Promise<readonly [TestDevice, TestDevice]> {
  const [alice, bob] = [await testDevice(), await testDevice()];
  await startSession(alice, bob);
  return [alice, bob];
}

describe('a message of a sealed sender', () => {
  it('tells its recipient who sent it and which message it is, and opens as any', async () => {
    const [alice, bob] = await pair();
    const envelope = await sealed(alice, bob, maker.make(alice.account, now));
    expect(envelope.kind).toBe(CiphertextKind.CIPHERTEXT_KIND_SEALED);
    const opened = await unsealed(bob, envelope);
    expect(opened.sender).toEqual(alice.address);
    const { senderUser, senderDevice, kind, ciphertext, acceptedAt } = opened.envelope;
    expect([senderUser, opened.envelope.messageId].map((bytes) => [...bytes])).toEqual([
      [...uuidToBytes(alice.account.userId)],
      [...messageId],
    ]);
    expect([senderDevice, kind, acceptedAt]).toEqual([1, CiphertextKind.CIPHERTEXT_KIND_PREKEY, now]);
    const inner = await bob.executor.run([peerLock(alice.account.userId)], (overlay) =>
      new Ratchet(bob.account, overlay, bob.clock.now()).open(
        opened.sender,
        checkStructure(kind, ciphertext),
        ciphertext,
      ),
    );
    expect(inner.plaintext).toEqual(plaintext);
    expect(inner.identityKey).toEqual(opened.identityKey);
  });

  it('says nothing of its sender to anybody else', async () => {
    const [alice, bob] = await pair();
    const { ciphertext } = await sealed(alice, bob, maker.make(alice.account, now));
    const bytes = Buffer.from(ciphertext);
    for (const name of [uuidToBytes(alice.account.userId), Buffer.from(alice.account.userId), messageId]) {
      expect(bytes.includes(Buffer.from(name))).toBe(false);
    }
    expect(bytes.includes(Buffer.from(ownIdentity(alice.account).publicKey.serialize()).subarray(1))).toBe(false);
    const carol = await testDevice();
    await expect(unsealed(carol, envelopeTo(carol, { ciphertext }))).rejects.toMatchObject({ reason: 'undecryptable' });
  });

  it.each<[string, CertificateChanges | 'other-root']>([
    ['of another root', 'other-root'],
    ['for no account', { userId: 'nobody' }],
  ])('is held with a certificate %s', async (_, changes) => {
    const [alice, bob] = await pair();
    const certificate =
      changes === 'other-root' ? certificateMaker().make(alice.account, now) : maker.make(alice.account, now, changes);
    const envelope = await sealed(alice, bob, certificate);
    await expect(unsealed(bob, envelope)).rejects.toMatchObject({ reason: 'certificate-invalid' });
    // Asked again, it is no better.
    await expect(unsealed(bob, envelope)).rejects.toMatchObject({ reason: 'certificate-invalid' });
  });

  it.each<[string, CertificateChanges]>([
    ['that had expired when the relay took it', { expiresAt: now - 1 }],
    ['under a server key after its period', { period: 688 }],
    ['that lives longer than its server key', { expiresAt: serverKeyMs * 691 + senderCertificateMs + 1 }],
  ])('tells of a certificate %s that it is outdated', async (_, changes) => {
    const [alice, bob] = await pair();
    const envelope = await sealed(alice, bob, maker.make(alice.account, now, changes));
    for (const turn of ['first', 'again'])
      expect([turn, (await unsealed(bob, envelope)).isOutdated]).toEqual([turn, true]);
  });

  it('is held when no root is pinned', async () => {
    const [alice, bob] = await pair();
    const envelope = await sealed(alice, bob, maker.make(alice.account, now));
    await expect(unsealed(bob, envelope, [])).rejects.toMatchObject({ reason: 'certificate-invalid' });
    await unsealed(bob, envelope);
    const others = [certificateMaker().root];
    await expect(unsealed(bob, envelope, others)).rejects.toMatchObject({ reason: 'certificate-invalid' });
    expect((await unsealed(bob, envelope, [...others, maker.root])).sender).toEqual(alice.address);
  });

  it('is believed to the last millisecond of its certificate, by the time at which the relay took it', async () => {
    const [alice, bob] = await pair();
    const envelope = await sealed(alice, bob, maker.make(alice.account, now));
    const at = (acceptedAt: number) => unsealed(bob, envelopeTo(bob, { ...envelope, acceptedAt }));
    expect(await at(now + senderCertificateMs)).toMatchObject({ sender: alice.address, isOutdated: false });
    expect(await at(now + senderCertificateMs + 1)).toMatchObject({ sender: alice.address, isOutdated: true });
  });

  it('does not open under a certificate of somebody else’s, whose identity key its maker does not have', async () => {
    const [alice, bob] = await pair();
    const mallory = await testDevice();
    await startSession(mallory, bob);
    const envelope = await sealed(mallory, bob, maker.make(alice.account, now));
    await expect(unsealed(bob, envelope)).rejects.toMatchObject({ reason: 'undecryptable' });
  });

  it('is held when its envelope names what it must not, or its context is none', async () => {
    const [alice, bob] = await pair();
    const certificate = maker.make(alice.account, now);
    const envelope = await sealed(alice, bob, certificate);
    for (const fields of [
      { senderUser: new Uint8Array(16) },
      { senderDevice: 1 },
      { messageId },
      { groupId: new Uint8Array(32) },
      { groupEpoch: 3 },
    ]) {
      const named = envelopeTo(bob, { ...envelope, ...fields });
      await expect(unsealed(bob, named)).rejects.toMatchObject({ reason: 'malformed-envelope' });
    }
    for (const wrong of [
      {},
      { messageId: new Uint8Array(15) },
      { messageId, groupId: new Uint8Array(31), groupEpoch: 1 },
      { messageId, groupId: new Uint8Array(32) },
      { messageId, groupEpoch: 1 },
    ]) {
      const odd = await sealed(alice, bob, certificate, wrong);
      await expect(unsealed(bob, odd)).rejects.toMatchObject({ reason: 'malformed-ciphertext' });
    }
  });

  it('does not open when any of its bytes was changed', async () => {
    const [alice, bob] = await pair();
    const envelope = await sealed(alice, bob, maker.make(alice.account, now));
    for (let at = 0; at < envelope.ciphertext.length; at += 13) {
      const ciphertext = envelope.ciphertext.map((byte, index) => (index === at ? byte ^ 0x10 : byte));
      await expect(unsealed(bob, envelopeTo(bob, { ciphertext }))).rejects.toMatchObject({ name: 'Hold' });
    }
  });
});

describe('one message of a sealed sender for many', () => {
  it('opens for each of them, in its group', async () => {
    const [alice, bob] = await pair();
    const carol = await testDevice();
    await startSession(alice, carol);
    const chain = new OneChain();
    const [own, id] = [protocolAddress(alice.address), '00000000-0000-4000-8000-000000000002'] as const;
    await SenderKeyDistributionMessage.create(own, id, chain);
    const message = await groupEncrypt(own, id, chain, plaintext);
    const group = { messageId, groupId: new Uint8Array(32).fill(9), groupEpoch: 5 };
    const origin = { certificate: maker.make(alice.account, now), context: group };
    const many = await alice.executor.run([], (overlay) =>
      sealForMany(overlay, alice.account, message, origin, [bob.address, carol.address]),
    );
    const parsed = new SealedSenderMultiRecipientMessage(asBuffer(many));
    const recipients = parsed.recipientsByServiceIdString();
    for (const to of [bob, carol]) {
      const recipient = recipients[to.account.userId];
      if (recipient === undefined) throw new Error('nothing was sealed for a recipient');
      expect(recipient).toMatchObject({ deviceIds: [1], registrationIds: [to.account.registrationId] });
      const ciphertext = parsed.messageForRecipient(recipient);
      const opened = await unsealed(to, envelopeTo(to, { ciphertext }));
      expect(opened.sender).toEqual(alice.address);
      expect(opened.envelope).toMatchObject({ kind: CiphertextKind.CIPHERTEXT_KIND_SENDER_KEY, groupEpoch: 5 });
      expect([...opened.envelope.groupId]).toEqual([...group.groupId]);
      expect(Buffer.from(opened.envelope.ciphertext)).toEqual(Buffer.from(message.serialize()));
    }
  });
});

class OneChain extends SenderKeyStore {
  private record: Awaited<ReturnType<SenderKeyStore['getSenderKey']>> = null;

  override async saveSenderKey(...[, , record]: Parameters<SenderKeyStore['saveSenderKey']>): Promise<void> {
    this.record = record;
  }

  override async getSenderKey(): Promise<Awaited<ReturnType<SenderKeyStore['getSenderKey']>>> {
    return this.record;
  }
}
