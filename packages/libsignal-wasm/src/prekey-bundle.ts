import type { PublicKey } from './ec-keys.ts';
import type { KEMPublicKey } from './kem-keys.ts';
import { call } from './library.ts';
import { type Bytes, Values } from './wire.ts';

interface BundleFields {
  readonly registrationId: number;
  readonly deviceId: number;
  readonly preKeyId: number | null;
  readonly preKey: PublicKey | null;
  readonly signedPreKeyId: number;
  readonly signedPreKey: PublicKey;
  readonly signedPreKeySignature: Bytes;
  readonly identityKey: PublicKey;
  readonly kyberPreKeyId: number;
  readonly kyberPreKey: KEMPublicKey;
  readonly kyberPreKeySignature: Bytes;
}

/** What a session is begun with: the public keys of a device. */
export class PreKeyBundle {
  private readonly fields: BundleFields;

  private constructor(fields: BundleFields) {
    this.fields = fields;
  }

  /** @throws {LibSignalErrorBase} */
  static new(
    registrationId: number,
    deviceId: number,
    preKeyId: number | null,
    preKey: PublicKey | null,
    signedPreKeyId: number,
    signedPreKey: PublicKey,
    signedPreKeySignature: Uint8Array,
    identityKey: PublicKey,
    kyberPreKeyId: number,
    kyberPreKey: KEMPublicKey,
    kyberPreKeySignature: Uint8Array,
  ): PreKeyBundle {
    const bundle = new PreKeyBundle({
      registrationId,
      deviceId,
      preKeyId,
      preKey,
      signedPreKeyId,
      signedPreKey,
      signedPreKeySignature: Uint8Array.from(signedPreKeySignature),
      identityKey,
      kyberPreKeyId,
      kyberPreKey,
      kyberPreKeySignature: Uint8Array.from(kyberPreKeySignature),
    });
    call('PreKeyBundle_New', bundle.under(new Values()), () => undefined);
    return bundle;
  }

  registrationId(): number {
    return this.fields.registrationId;
  }

  deviceId(): number {
    return this.fields.deviceId;
  }

  preKeyId(): number | null {
    return this.fields.preKeyId;
  }

  preKeyPublic(): PublicKey | null {
    return this.fields.preKey;
  }

  signedPreKeyId(): number {
    return this.fields.signedPreKeyId;
  }

  signedPreKeyPublic(): PublicKey {
    return this.fields.signedPreKey;
  }

  signedPreKeySignature(): Bytes {
    return this.fields.signedPreKeySignature.slice();
  }

  identityKey(): PublicKey {
    return this.fields.identityKey;
  }

  kyberPreKeyId(): number {
    return this.fields.kyberPreKeyId;
  }

  kyberPreKeyPublic(): KEMPublicKey {
    return this.fields.kyberPreKey;
  }

  kyberPreKeySignature(): Bytes {
    return this.fields.kyberPreKeySignature.slice();
  }

  /** Adds this bundle to the arguments of an operation. */
  under(values: Values): Values {
    const { fields } = this;
    values.u32(fields.registrationId).u32(fields.deviceId);
    values.optionalU32(fields.preKeyId).optional(fields.preKey?.serialize() ?? null);
    values.u32(fields.signedPreKeyId).bytes(fields.signedPreKey.serialize()).bytes(fields.signedPreKeySignature);
    values.bytes(fields.identityKey.serialize());
    values.u32(fields.kyberPreKeyId).bytes(fields.kyberPreKey.serialize());
    return values.bytes(fields.kyberPreKeySignature);
  }
}
