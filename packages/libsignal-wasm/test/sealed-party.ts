import type {
  CiphertextMessage,
  PublicKey,
  SenderCertificate,
  UnidentifiedSenderMessageContent,
} from '../src/index.ts';
import type { Library } from './libraries.ts';
import { now, type Party } from './party.ts';

/** When the certificates of the tests end. */
export const expiration = now.getTime() + 86_400_000;

/** Who signs certificates, on the library of one side. */
export class Authority {
  readonly root: Uint8Array<ArrayBuffer>;
  private readonly library: Library;
  private readonly server;
  private readonly serverKey;

  constructor(library: Library) {
    this.library = library;
    const root = library.PrivateKey.generate();
    this.serverKey = library.PrivateKey.generate();
    this.root = root.getPublicKey().serialize();
    this.server = library.ServerCertificate.new(1, this.serverKey.getPublicKey(), root);
  }

  /** A certificate of a device, as bytes. */
  certify(party: Party, number: string | null = null): Uint8Array<ArrayBuffer> {
    const { library, server, serverKey } = this;
    const key = library.PublicKey.deserialize(party.own.publicKey.serialize());
    const { address } = party;
    return library.SenderCertificate.new(
      address.name(),
      number,
      address.deviceId(),
      key,
      expiration,
      server,
      serverKey,
    ).serialize();
  }
}

/** A certificate's bytes as an object of a party's library. */
export function certificateOf({ library }: Party, bytes: Uint8Array): SenderCertificate {
  return library.SenderCertificate.deserialize(Uint8Array.from(bytes));
}

/** A root's bytes as an object of a party's library. */
export function rootOf({ library }: Party, authority: Authority): PublicKey {
  return library.PublicKey.deserialize(authority.root);
}

/** A ciphertext with its sender, under the outer layer. */
export function contentOf(
  { library }: Party,
  message: CiphertextMessage,
  certificate: SenderCertificate,
  groupId: Uint8Array<ArrayBuffer> | null = null,
): UnidentifiedSenderMessageContent {
  return library.UnidentifiedSenderMessageContent.new(message, certificate, library.ContentHint.Resendable, groupId);
}
