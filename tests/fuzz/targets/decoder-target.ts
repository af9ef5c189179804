import * as proto from '@sotto/proto';
import { type Codec, ProtoError } from '@sotto/proto';
import type { FuzzTarget } from '../fuzz-target.ts';
import { messageNames, someMessage } from '../proto-grammar.ts';

/** The codecs that packages of ours decode with, by the name of their message. */
function codecs(): readonly [name: string, codec: Codec<unknown, unknown>][] {
  const exported: Readonly<Record<string, unknown>> = proto;
  return messageNames().flatMap((name) => {
    const codec = exported[name];
    return isCodec(codec) ? [[name, codec] as [string, Codec<unknown, unknown>]] : [];
  });
}

function isCodec(value: unknown): value is Codec<unknown, unknown> {
  return typeof value === 'object' && value !== null && 'decode' in value && 'encode' in value;
}

/**
 * One target a codec: whatever the bytes are, it throws a ProtoError or gives a message, which encodes to bytes that decode to the same.
 */
export function decoderTargets(): readonly FuzzTarget[] {
  return codecs().map(([name, codec]) => ({
    name: `decode-${name}`,
    seeds: () => [new Uint8Array()],
    generate: (random) => someMessage(name, random),
    run(input) {
      const message = decoded(codec, input);
      if (message === undefined) return;
      const encoded = codec.encode(message);
      const again = codec.encode(codec.decode(encoded));
      if (Buffer.compare(encoded, again) !== 0) throw new Error(`${name} encodes to something else the second time`);
    },
  }));
}

function decoded(codec: Codec<unknown, unknown>, input: Uint8Array): unknown {
  try {
    return codec.decode(input);
  } catch (error) {
    if (error instanceof ProtoError) return undefined;
    throw error;
  }
}
