import { fromBase64Url, type PrekeyUpload, ProtoError, type SignedPublicPrekey, toBase64Url } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { readFirstDeviceList } from '../src/accounts/device-list.ts';
import { readPrekeyUpload } from '../src/keys/prekey-upload.ts';
import { RelayError } from '../src/relay-error.ts';
import { call, refusal, register, verify } from './raw-client.ts';
import {
  ecPrekey,
  kyberPrekey,
  makeKeys,
  makePrekeys,
  makeRegistration,
  signedEcPrekey,
  signedList,
} from './raw-keys.ts';
import { startRelay } from './test-relay.ts';

const keys = makeKeys();
const identityKey = keys.identity.publicKey.serialize();
const refusals = new Set(['signature-invalid', 'key-malformed', 'device-list-invalid', 'proto']);

/** Why it was refused; `accepted` when it was not. */
function judged(read: () => unknown): string {
  try {
    read();
    return 'accepted';
  } catch (error) {
    if (error instanceof RelayError) return error.code;
    if (error instanceof ProtoError) return 'proto';
    throw error;
  }
}

/** The bytes with one bit changed, for each bit of each byte; of long ones one bit of each second byte. */
function* flips(bytes: Uint8Array): Generator<{ readonly bytes: Uint8Array; readonly what: string }> {
  for (const [at, byte] of bytes.entries()) {
    const bits = bytes.length <= 300 ? [0, 1, 2, 3, 4, 5, 6, 7] : at % 2 === 0 ? [(at / 2) % 8] : [];
    for (const bit of bits) yield { bytes: bytes.with(at, byte ^ (1 << bit)), what: `byte ${at}, bit ${bit}` };
  }
}

/** The flips that were not refused for what they are. */
function accepted(bytes: Uint8Array, read: (forged: Uint8Array) => unknown): readonly string[] {
  return [...flips(bytes)].flatMap(({ bytes: forged, what }) => {
    const verdict = judged(() => read(forged));
    return refusals.has(verdict) ? [] : [`${what}: ${verdict}`];
  });
}

/** One of each kind that carries a signature. */
const signedKinds: readonly [string, SignedPublicPrekey, (prekey: SignedPublicPrekey) => PrekeyUpload][] = [
  ['signed prekey', signedEcPrekey(keys, 1), (signedPrekey) => ({ signedPrekey })],
  ['last-resort Kyber key', kyberPrekey(keys, 2), (lastResortKyberPrekey) => ({ lastResortKyberPrekey })],
  ['one-time Kyber key', kyberPrekey(keys, 3), (prekey) => ({ kyberPrekeys: [prekey] })],
];

describe('an upload in which one bit is not as it was signed is refused', () => {
  it.each(signedKinds)('in any byte of a %s and of its signature  [security: forged-bundle]', (_, prekey, uploadOf) => {
    const { id, publicKey, signature } = prekey;
    const read = (changed: Partial<SignedPublicPrekey>) =>
      readPrekeyUpload(uploadOf({ id, publicKey, signature, ...changed }), identityKey);
    expect(judged(() => read({}))).toBe('accepted');
    expect(accepted(fromBase64Url(publicKey), (bytes) => read({ publicKey: toBase64Url(bytes) }))).toEqual([]);
    expect(accepted(fromBase64Url(signature), (bytes) => read({ signature: toBase64Url(bytes) }))).toEqual([]);
  });

  it('in any byte of a device list: keys, signature, ids, framing  [security: forged-bundle]', () => {
    const list = signedList(keys);
    expect(judged(() => readFirstDeviceList(list, keys.userId))).toBe('accepted');
    expect(accepted(list, (bytes) => readFirstDeviceList(bytes, keys.userId))).toEqual([]);
  });

  it('in the type of a one-time key, in its length, and under the key of somebody else  [security: forged-bundle]', () => {
    const { publicKey } = ecPrekey(1);
    const read = (bytes: Uint8Array) =>
      readPrekeyUpload({ prekeys: [{ id: 1, publicKey: toBase64Url(bytes) }] }, identityKey);
    const bytes = fromBase64Url(publicKey);
    expect(judged(() => read(bytes))).toBe('accepted');
    for (let type = 0; type < 256; type++) {
      if (type !== bytes[0]) expect(judged(() => read(bytes.with(0, type)))).toBe('key-malformed');
    }
    expect(judged(() => read(bytes.subarray(1)))).toBe('key-malformed');
    expect(judged(() => read(Uint8Array.of(...bytes, 0)))).toBe('key-malformed');
    const other = makeKeys();
    for (const [, prekey, uploadOf] of signedKinds) {
      const verdict = judged(() => readPrekeyUpload(uploadOf(prekey), other.identity.publicKey.serialize()));
      expect(verdict).toBe('signature-invalid');
    }
  });

  it('over HTTP, and nothing of it is kept  [security: forged-bundle]', async () => {
    await using relay = await startRelay();
    const alice = await register(relay, '+14155550101');
    const upload = {
      ...makePrekeys(alice.keys, 2, 50),
      signedPrekey: signedEcPrekey(alice.keys, 9),
      lastResortKyberPrekey: kyberPrekey(alice.keys, 16_000_001),
    };
    const forgeries: Record<string, PrekeyUpload> = {
      'a signed prekey': { ...upload, signedPrekey: forged(upload.signedPrekey) },
      'a last-resort key': { ...upload, lastResortKyberPrekey: forged(upload.lastResortKyberPrekey) },
      'the last one-time key': {
        ...upload,
        kyberPrekeys: upload.kyberPrekeys.with(-1, forged(upload.kyberPrekeys.at(-1))),
      },
    };
    const count = () => call(relay, 'GET', '/v1/prekeys', { token: alice.token });
    const before = (await count()).body;
    for (const body of Object.values(forgeries)) {
      const answer = call(relay, 'PUT', '/v1/prekeys', { token: alice.token, body });
      expect(await refusal(answer)).toMatchObject({ status: 400, code: 'signature-invalid', retryable: false });
    }
    expect((await count()).body).toEqual(before);
    expect((await call(relay, 'PUT', '/v1/prekeys', { token: alice.token, body: upload })).status).toBe(200);

    // The same with a registration: the code is not used up by it.
    const bob = makeKeys();
    const { verificationId, code } = await verify(relay, '+14155550102');
    const request = makeRegistration(bob, verificationId, code);
    const { prekeys } = request;
    const body = { ...request, prekeys: { ...prekeys, signedPrekey: forged(prekeys.signedPrekey) } };
    expect(await refusal(call(relay, 'POST', '/v1/registrations', { body }))).toMatchObject({
      code: 'signature-invalid',
    });
    expect((await call(relay, 'POST', '/v1/registrations', { body: request })).status).toBe(200);
  });
});

/** A prekey with another bit in its signature. */
function forged(prekey: SignedPublicPrekey | undefined): SignedPublicPrekey {
  if (prekey === undefined) throw new Error('there is no such prekey');
  const signature = fromBase64Url(prekey.signature);
  return { ...prekey, signature: toBase64Url(signature.with(40, (signature[40] ?? 0) ^ 4)) };
}
