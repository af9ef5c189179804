import { MailRecord } from '@sotto/proto';
import { joined } from '../adapters/joined.ts';
import { userIdFromBytes, userIdToBytes } from '../adapters/user-id-bytes.ts';
import type { DeviceIncarnation } from '../ports/device-incarnation.ts';
import type { DeviceId, DeviceKey } from '../ports/ids.ts';
import type { LogRecord } from '../ports/mail-log.ts';
import { longestPendingMs } from '../ports/pending-store.ts';
import { entryIdLength } from './delivery-id.ts';
import { deviceKeyOf } from './device-key.ts';
import type { FetchedRecord } from './partition-dispatch.ts';

const version = 1;
const userLength = 16;
const lastDevice = 127;
const longestIncarnation = 64;

/** One device's part of a record. */
export interface RecordItem {
  readonly device: DeviceIncarnation;
  /** Under what it is counted: `entryIdLength` bytes. */
  readonly entryId: Uint8Array;
  /** An encoded Envelope, or the beginning of one when the record has an end that all share. */
  readonly envelope: Uint8Array;
}

/** Mail as it goes into the log. */
export interface RecordMail {
  readonly acceptedAt: number;
  readonly expiresAt: number;
  readonly shared: Uint8Array | undefined;
  readonly items: readonly RecordItem[];
}

/** What stands for an envelope on its way behind the log, in hand-overs and in what is spilled: its entry id in front, so that whoever delivers it can name it. */
export interface Parcel {
  readonly entryId: Uint8Array;
  readonly envelope: Uint8Array;
}

/** A record's value. */
export function encodeMailRecord({ acceptedAt, expiresAt, shared, items }: RecordMail): Uint8Array {
  return MailRecord.encode({
    version,
    acceptedAt,
    expiresAt,
    shared: shared ?? new Uint8Array(),
    items: items.map(({ device, entryId, envelope }) => ({
      userId: userIdToBytes(device.userId),
      deviceId: device.deviceId,
      incarnation: Buffer.from(device.incarnation),
      entry: entryId,
      envelope,
    })),
  });
}

/** What a record says: mail for its devices, or poison, whatever the bytes are. Never throws. */
export function fetchedRecordOf({ offset, value, appendedAt }: LogRecord): FetchedRecord {
  const mail = readMail(value);
  if (mail === undefined) return { kind: 'poison', ko: offset, bytes: value };
  return {
    kind: 'mail',
    ko: offset,
    time: appendedAt,
    // The clock of the node that took it may be before the log's.
    expiresAt: Math.min(mail.expiresAt, appendedAt + longestPendingMs),
    size: value.length,
    parts: mail.parts,
  };
}

interface ReadMail {
  readonly expiresAt: number;
  readonly parts: readonly { readonly device: DeviceKey; readonly envelope: Uint8Array }[];
}

function readMail(value: Uint8Array): ReadMail | undefined {
  const record = decoded(value);
  if (record?.version !== version) return undefined;
  const { expiresAt, items, shared } = record;
  const parts = new Map<DeviceKey, Parcel>();
  for (const item of items) {
    const { userId, incarnation, entry, envelope } = withBytes(item);
    const deviceId = item.deviceId ?? 0;
    const name = Buffer.from(incarnation).toString();
    const fits =
      userId.length === userLength &&
      deviceId >= 1 &&
      deviceId <= lastDevice &&
      name.length <= longestIncarnation &&
      Buffer.from(name).equals(incarnation) &&
      entry.length === entryIdLength;
    if (!fits) return undefined;
    const device = deviceKeyOf({
      userId: userIdFromBytes(Buffer.from(userId)),
      deviceId: deviceId as DeviceId,
      incarnation: name,
    });
    if (parts.has(device)) return undefined;
    parts.set(device, { entryId: entry, envelope });
  }
  return { expiresAt, parts: [...parts].map(([device, parcel]) => partOf(device, parcel, shared)) };
}

/** The envelope is made when somebody asks for it: a shared end is in memory once, however many devices the record is for. */
function partOf(device: DeviceKey, { entryId, envelope }: Parcel, shared: Uint8Array) {
  return {
    device,
    get envelope() {
      return parcelBytes({ entryId, envelope: joined(envelope, shared) });
    },
  };
}

/** The generated type allows fields to be missing, which decoding fills. */
function withBytes({ userId, incarnation, entry, envelope }: MailRecord['items'][number]) {
  const none = new Uint8Array();
  return {
    userId: userId ?? none,
    incarnation: incarnation ?? none,
    entry: entry ?? none,
    envelope: envelope ?? none,
  };
}

function decoded(value: Uint8Array): MailRecord | undefined {
  try {
    return MailRecord.decode(value);
  } catch {
    // Poison: it is parked, and told there.
    return undefined;
  }
}

/** A parcel as bytes. */
export function parcelBytes({ entryId, envelope }: Parcel): Uint8Array {
  const bytes = new Uint8Array(entryIdLength + envelope.length);
  bytes.set(entryId);
  bytes.set(envelope, entryIdLength);
  return bytes;
}

/** Bytes as a parcel; shares their memory. `undefined` when they are none. */
export function parcelOf(bytes: Uint8Array): Parcel | undefined {
  if (bytes.length < entryIdLength) return undefined;
  return { entryId: bytes.subarray(0, entryIdLength), envelope: bytes.subarray(entryIdLength) };
}
