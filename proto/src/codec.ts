import type { Writer } from 'protobufjs/minimal.js';
import { BoundedReader } from './bounded-reader.ts';
import { ProtoError } from './proto-error.ts';

/** What a generated message class offers. */
interface GeneratedMessage<Message, Properties> {
  encode(properties: Properties, writer?: Writer): Writer;
  decode(reader: BoundedReader): Message;
}

/** Turns one kind of message into bytes and back. */
export interface Codec<Message, Properties> {
  /** Fields that were unknown when the message was decoded are written again. */
  encode(properties: Properties): Uint8Array;
  /**
   * Reads a whole message. Byte fields may share memory with `bytes`.
   * @throws {ProtoError} `malformed-message` or `number-out-of-range`, and nothing else, whatever the bytes are
   */
  decode(bytes: Uint8Array): Message;
}

/** Puts our reader and our error around a generated class. */
export function codecOf<Message, Properties>(
  name: string,
  generated: GeneratedMessage<Message, Properties>,
): Codec<Message, Properties> {
  return {
    encode(properties) {
      const bytes = generated.encode(properties).finish();
      // On Node it is a Buffer, whose slice() would share memory: give out what every platform has.
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    decode(bytes) {
      try {
        return generated.decode(new BoundedReader(bytes));
      } catch (cause) {
        if (cause instanceof ProtoError) throw cause;
        throw new ProtoError('malformed-message', `these bytes are no ${name}`, { cause });
      }
    },
  };
}
