import { objectOf, pieces } from '../gateway/error-schema.ts';

const id = { type: 'integer', minimum: 1, maximum: 2 ** 24 - 1 } as const;

/** `PublicPrekey` as JSON schema. */
export const prekeySchema = objectOf({ id, publicKey: pieces.bytes });

/** `SignedPublicPrekey` as JSON schema. */
export const signedPrekeySchema = objectOf({ id, publicKey: pieces.bytes, signature: pieces.bytes });

const uploadProperties = {
  signedPrekey: signedPrekeySchema,
  lastResortKyberPrekey: signedPrekeySchema,
  prekeys: { type: 'array', items: prekeySchema, maxItems: 100 },
  kyberPrekeys: { type: 'array', items: signedPrekeySchema, maxItems: 100 },
} as const;

/** `PrekeyUpload` as JSON schema. */
export const prekeyUploadSchema = objectOf(uploadProperties, Object.keys(uploadProperties));

/** All kinds of prekeys, as a registration brings them. */
export const fullPrekeyUploadSchema = objectOf(uploadProperties);

/** Room for 100 one-time keys of both kinds with their signatures. */
export const prekeyBodyBytes = 512 * 1024;
