import { type PrekeyUpload, toBase64Url } from '@sotto/proto';
import {
  IdentityKeyPair,
  KEMKeyPair,
  KyberPreKeyRecord,
  PreKeyRecord,
  PrivateKey,
  SignedPreKeyRecord,
} from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import type { PrekeyKind, PrekeyRecord } from '../ports/key-records.ts';
import type { PrekeyIds } from './prekey-id.ts';

/** How many one-time keys of a kind the relay is to have. */
export const fullSet = 100;

/** How many keys of each kind to make. */
export type PrekeyCounts = { readonly [Kind in PrekeyKind]: number };

/** What a new account begins with. */
export const firstPrekeys: PrekeyCounts = { signed: 1, 'last-resort': 1, ec: fullSet, kyber: fullSet };

/** Makes prekeys, signed by the identity key where they have to be. */
export function makePrekeys(
  counts: PrekeyCounts,
  parts: { readonly identityKeyPair: Uint8Array; readonly ids: PrekeyIds; readonly now: number },
): readonly PrekeyRecord[] {
  const identity = IdentityKeyPair.deserialize(asBuffer(parts.identityKeyPair));
  const make = (kind: PrekeyKind): PrekeyRecord => {
    const id = parts.ids.next(kind);
    const record = makeRecord(kind, id, identity, parts.now);
    return { kind, id, record, createdAt: parts.now, replacedAt: undefined, uploaded: false };
  };
  const kinds: readonly PrekeyKind[] = ['signed', 'last-resort', 'ec', 'kyber'];
  return kinds.flatMap((kind) => Array.from({ length: counts[kind] }, () => make(kind)));
}

function makeRecord(kind: PrekeyKind, id: number, identity: IdentityKeyPair, now: number): Uint8Array {
  if (kind === 'kyber' || kind === 'last-resort') {
    const pair = KEMKeyPair.generate();
    const signature = identity.privateKey.sign(pair.getPublicKey().serialize());
    return KyberPreKeyRecord.new(id, now, pair, signature).serialize();
  }
  const secret = PrivateKey.generate();
  const publicKey = secret.getPublicKey();
  if (kind === 'ec') return PreKeyRecord.new(id, publicKey, secret).serialize();
  return SignedPreKeyRecord.new(
    id,
    now,
    publicKey,
    secret,
    identity.privateKey.sign(publicKey.serialize()),
  ).serialize();
}

/** The public parts of prekeys, as the relay takes them. Of `signed` and `last-resort` the last one counts. */
export function uploadOf(prekeys: readonly PrekeyRecord[]): PrekeyUpload {
  const ofKind = (kind: PrekeyKind) => prekeys.filter((prekey) => prekey.kind === kind);
  const signed = ofKind('signed').at(-1);
  const lastResort = ofKind('last-resort').at(-1);
  return {
    ...(signed && { signedPrekey: publicSigned(signed) }),
    ...(lastResort && { lastResortKyberPrekey: publicKyber(lastResort) }),
    prekeys: ofKind('ec').map(publicEc),
    kyberPrekeys: ofKind('kyber').map(publicKyber),
  };
}

/**
 * The public parts of a whole set.
 * @param prekeys holds a `signed` and a `last-resort` key, as `firstPrekeys` has
 */
export function fullUploadOf(prekeys: readonly PrekeyRecord[]): Required<PrekeyUpload> {
  const { signedPrekey, lastResortKyberPrekey, prekeys: ec = [], kyberPrekeys = [] } = uploadOf(prekeys);
  if (signedPrekey === undefined || lastResortKyberPrekey === undefined)
    throw new TypeError('not a whole set of prekeys');
  return { signedPrekey, lastResortKyberPrekey, prekeys: ec, kyberPrekeys };
}

function publicEc({ record }: PrekeyRecord) {
  const prekey = PreKeyRecord.deserialize(asBuffer(record));
  return { id: prekey.id(), publicKey: toBase64Url(prekey.publicKey().serialize()) };
}

function publicSigned({ record }: PrekeyRecord) {
  return publicForm(SignedPreKeyRecord.deserialize(asBuffer(record)));
}

function publicKyber({ record }: PrekeyRecord) {
  return publicForm(KyberPreKeyRecord.deserialize(asBuffer(record)));
}

function publicForm(prekey: SignedPreKeyRecord | KyberPreKeyRecord) {
  return {
    id: prekey.id(),
    publicKey: toBase64Url(prekey.publicKey().serialize()),
    signature: toBase64Url(prekey.signature()),
  };
}
