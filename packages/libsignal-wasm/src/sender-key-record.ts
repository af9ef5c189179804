import { call } from './library.ts';
import { withMark, withoutMark } from './record-mark.ts';
import { type Bytes, Values } from './wire.ts';

/** The chains that one device gave under one distribution id. */
export class SenderKeyRecord {
  private readonly bytes: Bytes;

  private constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  /** What the library wrote, without the mark. */
  static ofLibrary(bytes: Bytes): SenderKeyRecord {
    return new SenderKeyRecord(bytes);
  }

  /** @throws {LibSignalErrorBase} also for what another library wrote */
  static deserialize(bytes: Uint8Array): SenderKeyRecord {
    const operation = 'SenderKeyRecord_Deserialize';
    const record = withoutMark(bytes, operation, '');
    call(operation, new Values().bytes(record), () => undefined);
    return new SenderKeyRecord(record);
  }

  serialize(): Bytes {
    return withMark(this.bytes);
  }

  /** Adds this record to an answer. */
  under(values: Values): Values {
    return values.bytes(this.bytes);
  }
}
