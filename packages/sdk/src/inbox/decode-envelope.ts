import { Envelope, ProtoError } from '@sotto/proto';

/** Reads an envelope; `undefined` when the bytes are none. */
export function decodeEnvelope(bytes: Uint8Array): Envelope | undefined {
  try {
    return Envelope.decode(bytes);
  } catch (error) {
    if (error instanceof ProtoError) return undefined;
    throw error;
  }
}
