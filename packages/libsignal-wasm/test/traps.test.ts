import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { artefact } from '../src/generated/artefact.ts';
import { SignalMessage } from '../src/index.ts';
import { call, idleInstances } from '../src/library.ts';
import { LibraryInstance } from '../src/library-instance.ts';
import { isPqRatchet } from '../src/pq-ratchet.ts';
import { decryptUnchecked } from '../src/session-operations.ts';
import { type Fields, Values } from '../src/wire.ts';
import { nativeLibrary, wasmLibrary } from './libraries.ts';
import { Party } from './party.ts';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** A session on which both sides have sent, and a message of Alice's with this in the place of the post-quantum ratchet's part. */
async function forged(pqRatchet: readonly number[]) {
  const alice = new Party(nativeLibrary, 'a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0001');
  const bob = new Party(wasmLibrary, 'a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0002');
  await alice.start(bob);
  await bob.decrypt(alice, await alice.encrypt(bob, text('hello')));
  await alice.decrypt(bob, await bob.encrypt(alice, text('hello')));
  const sent = await alice.encrypt(bob, text('first'));
  const real = SignalMessage.deserialize(sent.bytes);
  const ratchetKey = wasmLibrary.library.PublicKey.deserialize(sent.bytes.slice(3, 36));
  const key = bob.own.publicKey;
  const bytes = Uint8Array.from(pqRatchet);
  const message = SignalMessage._new(
    4,
    new Uint8Array(32),
    ratchetKey,
    real.counter(),
    0,
    real.body(),
    key,
    key,
    bytes,
  );
  return { alice, bob, message };
}

describe('a forged part of the post-quantum ratchet', () => {
  const short = [1, 1, 0];

  it('stops a build without the check: it costs that message, and the next is decrypted', async () => {
    const { alice, bob, message } = await forged(short);
    const { session: sessions, identity: identities } = bob.stores;
    const attempt = decryptUnchecked(message, bob.addressOf(alice), { sessions, identities });
    await expect(attempt).rejects.toMatchObject({ message: expect.stringContaining('stopped'), code: 0 });
    expect(await bob.decrypt(alice, await alice.encrypt(bob, text('next')))).toEqual(text('next'));
  });

  it('is refused before the library sees it', async () => {
    const { alice, bob, message } = await forged(short);
    const before = bob.stores.calls.length;
    await expect(bob.decrypt(alice, { type: 2, bytes: message.serialize() })).rejects.toMatchObject({
      message: expect.stringContaining('post-quantum'),
      code: 0,
    });
    expect(bob.stores.calls.length).toBe(before);
    expect(await bob.decrypt(alice, await alice.encrypt(bob, text('next')))).toEqual(text('next'));
  });

  it('none at all is refused, too: a session can not be talked out of it', async () => {
    const { alice, bob, message } = await forged([]);
    await expect(bob.decrypt(alice, { type: 2, bytes: message.serialize() })).rejects.toMatchObject({ code: 0 });
  });

  it('has its structure in what both libraries send', async () => {
    for (const library of [nativeLibrary, wasmLibrary]) {
      const alice = new Party(library, 'a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0001');
      const bob = new Party(library, 'a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0002');
      await alice.start(bob);
      await bob.decrypt(alice, await alice.encrypt(bob, text('hello')));
      for (let turn = 0; turn < 150; turn++) {
        const [from, to] = turn % 2 === 0 ? [bob, alice] : [alice, bob];
        const sent = await from.encrypt(to, text('hello'));
        expect(isPqRatchet(SignalMessage.deserialize(sent.bytes).pqRatchet())).toBe(true);
        await to.decrypt(from, sent);
      }
    }
  });
});

describe('an instance', () => {
  it('keeps nothing allocated between operations', async () => {
    const { alice, bob } = await forged([1]);
    const { live } = idleInstances();
    for (let turn = 0; turn < 200; turn++) {
      await alice.decrypt(bob, await bob.encrypt(alice, text('hello')));
      await bob.decrypt(alice, await alice.encrypt(bob, text('hello')));
    }
    expect(Math.max(...idleInstances().live)).toBeLessThanOrEqual(Math.max(...live));
  });

  it('has no copy of a secret in its memory behind an operation', () => {
    const instance = new LibraryInstance(new WebAssembly.Module(artefact()));
    const bytesOf = (fields: Fields): Uint8Array => fields.bytes();
    const own = instance.call('PrivateKey_Generate', new Values(), bytesOf);
    const public_ = instance.call('PrivateKey_GetPublicKey', new Values().bytes(own), bytesOf);
    const material = crypto.getRandomValues(new Uint8Array(32));
    const derivation = new Values().u32(64).bytes(material).bytes(material).optional(null);
    const secrets = [
      own,
      instance.call('PrivateKey_Agree', new Values().bytes(own).bytes(public_), bytesOf),
      instance.call('HKDF_DeriveSecrets', derivation, bytesOf),
      material,
      instance.call('KyberKeyPair_Generate', new Values(), (fields) => fields.bytes() && fields.bytes()),
    ];
    instance.call('PrivateKey_Sign', new Values().bytes(own).bytes(material), bytesOf);
    expect(() => instance.call('IdentityKeyPair_Deserialize', new Values().bytes(own), bytesOf)).toThrow();
    // A part of a key that is left over is as bad as the whole.
    for (const secret of secrets) {
      for (let at = 0; at + 16 <= secret.length; at += 8) {
        expect(memoryOf(instance).includes(Buffer.from(secret.subarray(at, at + 16)))).toBe(false);
      }
    }
  });

  it('is wiped and not used again after a trap, and other instances go on', () => {
    const instance = new LibraryInstance(new WebAssembly.Module(artefact()));
    instance.wipe();
    expect(instance.isReusable).toBe(false);
    expect(memoryOf(instance).every((byte) => byte === 0)).toBe(true);
    expect(call('PrivateKey_Generate', new Values(), (fields) => fields.bytes()).length).toBe(32);
  });
});

function memoryOf(instance: LibraryInstance): Buffer {
  return Buffer.from(Reflect.get(instance, 'exports').memory.buffer);
}

describe('the artefact', () => {
  const folder = join(import.meta.dirname, '../artefact');
  const bytes = readFileSync(join(folder, 'libsignal.wasm'));

  it('is the one whose hash is written down', () => {
    const hash = createHash('sha256').update(bytes).digest('hex');
    expect(readFileSync(join(folder, 'libsignal.wasm.sha256'), 'utf8')).toBe(`${hash}  libsignal.wasm\n`);
    expect(Buffer.from(artefact()).equals(bytes)).toBe(true);
  });

  it('asks the host for randomness, and for nothing else', () => {
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(artefact()));
    expect(imports).toEqual([{ module: 'host', name: 'fill_random', kind: 'function' }]);
  });

  it('names no place of the machine that built it', () => {
    const words = bytes.toString('latin1');
    for (const place of ['/root/', '/home/', '/tmp/', '.cargo', 'index.']) expect(words).not.toContain(place);
  });
});
