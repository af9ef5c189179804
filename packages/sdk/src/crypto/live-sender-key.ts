import { SenderKeyRecord as Chain } from '#libsignal';
import type { SenderKeyRecord } from '../ports/group-records.ts';
import { asBuffer } from './as-buffer.ts';

/** libsignal's object behind a record. It never changes: encrypting and decrypting make new ones. */
const live = new WeakMap<SenderKeyRecord, Chain>();

/** The chain of a record; parsed only when it came from a store. */
export function senderKeyOf(record: SenderKeyRecord): Chain {
  const known = live.get(record);
  if (known !== undefined) return known;
  const parsed = Chain.deserialize(asBuffer(record.record));
  live.set(record, parsed);
  return parsed;
}

/** A record of a chain, serialised when somebody asks for its bytes: of all that a batch makes of one chain, a commit writes the last. */
export function senderKeyRecordOf(fields: Omit<SenderKeyRecord, 'record'>, chain: Chain): SenderKeyRecord {
  const { userId, deviceId, distributionId, groupId, chains, createdAt } = fields;
  let bytes: Uint8Array | undefined;
  const record: SenderKeyRecord = {
    userId,
    deviceId,
    distributionId,
    groupId,
    chains,
    createdAt,
    get record() {
      bytes ??= chain.serialize();
      return bytes;
    },
  };
  live.set(record, chain);
  return record;
}
