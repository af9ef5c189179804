import { fromBase64Url, type PrekeyUpload, type PublicPrekey, type SignedPublicPrekey } from '@sotto/proto';
import type { EcPrekey, PrekeySet, SignedPrekey } from '../ports/prekey-store.ts';
import { RelayError } from '../relay-error.ts';
import { checkKyberKey, readEcKey, signedBy } from './public-key.ts';

/**
 * Reads and checks uploaded prekeys: each parses, and each signed one is signed by the identity key.
 * @throws {RelayError} `key-malformed`, `signature-invalid`; `request-malformed` when an id comes twice
 * @throws {ProtoError} `malformed-base64url`
 */
export function readPrekeyUpload(upload: PrekeyUpload, identityKey: Uint8Array): PrekeySet {
  const identity = readEcKey(identityKey);
  const ec = (prekey: PublicPrekey): EcPrekey => {
    const publicKey = fromBase64Url(prekey.publicKey);
    readEcKey(publicKey);
    return { id: prekey.id, publicKey };
  };
  const signature = (prekey: SignedPublicPrekey, publicKey: Uint8Array): Uint8Array => {
    const bytes = fromBase64Url(prekey.signature);
    if (!signedBy(identity, publicKey, bytes)) {
      throw new RelayError('signature-invalid', 'A prekey is not signed by the identity key of the device list.');
    }
    return bytes;
  };
  const signedEc = (prekey: SignedPublicPrekey): SignedPrekey => {
    const key = ec(prekey);
    return { ...key, signature: signature(prekey, key.publicKey) };
  };
  const signedKyber = (prekey: SignedPublicPrekey): SignedPrekey => {
    const publicKey = fromBase64Url(prekey.publicKey);
    checkKyberKey(publicKey);
    return { id: prekey.id, publicKey, signature: signature(prekey, publicKey) };
  };
  const { signedPrekey, lastResortKyberPrekey, prekeys, kyberPrekeys } = upload;
  return {
    ...(signedPrekey && { signedPrekey: signedEc(signedPrekey) }),
    ...(lastResortKyberPrekey && { lastResortKyberPrekey: signedKyber(lastResortKyberPrekey) }),
    ...(prekeys && { prekeys: distinct(prekeys).map(ec) }),
    ...(kyberPrekeys && { kyberPrekeys: distinct(kyberPrekeys).map(signedKyber) }),
  };
}

function distinct<Prekey extends PublicPrekey>(prekeys: readonly Prekey[]): readonly Prekey[] {
  if (new Set(prekeys.map((prekey) => prekey.id)).size !== prekeys.length) {
    throw new RelayError('request-malformed', 'Each one-time prekey needs an id of its own.');
  }
  return prekeys;
}
