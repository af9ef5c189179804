import type { PublicKey } from './ec-keys.ts';
import { call } from './library.ts';
import { systemTime } from './platform/system-clock.ts';
import { withMark, withoutMark } from './record-mark.ts';
import { type Bytes, Values } from './wire.ts';

/** All sessions with one device: the current one, and those of before. */
export class SessionRecord {
  private bytes: Bytes;

  private constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  /** What the library wrote, without the mark. */
  static ofLibrary(bytes: Bytes): SessionRecord {
    return new SessionRecord(bytes);
  }

  /** @throws {LibSignalErrorBase} `InvalidSession`, also for what another library wrote */
  static deserialize(bytes: Uint8Array): SessionRecord {
    const operation = 'SessionRecord_Deserialize';
    const record = withoutMark(bytes, operation, 'InvalidSession');
    call(operation, new Values().bytes(record), () => undefined);
    return new SessionRecord(record);
  }

  serialize(): Bytes {
    return withMark(this.bytes);
  }

  archiveCurrentState(): void {
    this.bytes = call('SessionRecord_ArchiveCurrentState', this.under(new Values()), (fields) => fields.bytes());
  }

  /** @throws {LibSignalErrorBase} */
  localRegistrationId(): number {
    return call('SessionRecord_GetLocalRegistrationId', this.under(new Values()), (fields) => fields.u32());
  }

  /** @throws {LibSignalErrorBase} */
  remoteRegistrationId(): number {
    return call('SessionRecord_GetRemoteRegistrationId', this.under(new Values()), (fields) => fields.u32());
  }

  /** Whether it can be sent on: there is a current session, with the post-quantum ratchet, and it was answered within 30 days. */
  hasCurrentState(now: Date = systemTime()): boolean {
    const values = this.under(new Values()).u64(now.getTime());
    return call('SessionRecord_HasUsableSenderChain', values, (fields) => fields.flag());
  }

  currentRatchetKeyMatches(key: PublicKey): boolean {
    const values = this.under(new Values()).bytes(key.serialize());
    return call('SessionRecord_CurrentRatchetKeyMatches', values, (fields) => fields.flag());
  }

  /** Adds this record to the arguments of an operation. */
  under(values: Values): Values {
    return values.bytes(this.bytes);
  }
}
