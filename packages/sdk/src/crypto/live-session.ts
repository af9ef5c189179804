import { SessionRecord as Session } from '#libsignal';
import type { ChainCounter, SessionRecord } from '../ports/key-records.ts';
import { asBuffer } from './as-buffer.ts';

/** libsignal's object behind a record. It never changes: encrypting and decrypting make new ones. */
const sessions = new WeakMap<SessionRecord, Session>();

/** The session of a record; parsed only when it came from a store. */
export function sessionOf(record: SessionRecord): Session {
  const known = sessions.get(record);
  if (known !== undefined) return known;
  const parsed = Session.deserialize(asBuffer(record.record));
  sessions.set(record, parsed);
  return parsed;
}

/** A record of a session, serialised when somebody asks for its bytes: of all that a batch makes of one session, a commit writes the last. */
export function recordOf(
  address: Pick<SessionRecord, 'userId' | 'deviceId'>,
  session: Session,
  chains: readonly ChainCounter[],
): SessionRecord {
  let bytes: Uint8Array | undefined;
  const record: SessionRecord = {
    userId: address.userId,
    deviceId: address.deviceId,
    chains,
    get record() {
      bytes ??= session.serialize();
      return bytes;
    },
  };
  sessions.set(record, session);
  return record;
}
