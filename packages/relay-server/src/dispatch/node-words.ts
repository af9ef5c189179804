import type { DeviceAddress, DeviceId, UserId } from '../ports/ids.ts';
import type { PrekeysLeft } from '../ports/prekey-store.ts';
import type { Ending } from './connected-devices.ts';
import { FieldReader, FieldWriter } from './message-fields.ts';

/**
 * What one node tells another of devices that may be connected there. A lost one costs time: what must not be missed stands in a store.
 *
 * `signal`: an ephemeral signal. `ended`: streams of a user that are to end, with the encoded SignedDeviceList that says so, or nothing. `link-left`: a new device's message has been left.
 */
export type NodeWord =
  | {
      readonly kind: 'signal';
      readonly to: DeviceAddress;
      /** The 16 bytes of the sender's user id. */
      readonly fromUser: Uint8Array;
      readonly fromDevice: number;
      readonly payload: Uint8Array;
    }
  | { readonly kind: 'prekeys-left'; readonly to: DeviceAddress; readonly left: PrekeysLeft }
  | { readonly kind: 'devices-changed'; readonly to: DeviceAddress; readonly signed: Uint8Array }
  | { readonly kind: 'devices-idle'; readonly to: DeviceAddress; readonly deviceIds: readonly number[] }
  | { readonly kind: 'ended'; readonly userId: UserId; readonly ending: Ending; readonly signed: Uint8Array }
  | { readonly kind: 'link-left'; readonly linkId: string };

const version = 1;
/** Above those of `node-messages.ts`. */
const firstKind = 64;
const kinds = ['signal', 'prekeys-left', 'devices-changed', 'devices-idle', 'ended', 'link-left'] as const;
const endings = ['only', 'but'] as const;
const userBytes = 16;

/** As bytes of a `NodeLink`, beside what `encodeNodeMessage` writes: a byte of version, one of the kind, then the fields in their order. Whoever changes this changes `version`. */
export function encodeNodeWord(word: NodeWord): Uint8Array {
  const writer = new FieldWriter();
  writer.byte(version);
  writer.byte(firstKind + kinds.indexOf(word.kind));
  switch (word.kind) {
    case 'signal':
      writeDevice(writer, word.to);
      writer.bytes(word.fromUser);
      writer.byte(word.fromDevice);
      writer.rest(word.payload);
      break;
    case 'prekeys-left':
      writeDevice(writer, word.to);
      writer.number(word.left.ec);
      writer.number(word.left.kyber);
      break;
    case 'devices-changed':
      writeDevice(writer, word.to);
      writer.rest(word.signed);
      break;
    case 'devices-idle':
      writeDevice(writer, word.to);
      writer.bytes(word.deviceIds);
      break;
    case 'ended':
      writer.text(word.userId);
      writer.byte(endings.indexOf(word.ending.which));
      writer.bytes(word.ending.deviceIds);
      writer.rest(word.signed);
      break;
    case 'link-left':
      writer.text(word.linkId);
      break;
  }
  return writer.done();
}

/** What another node tells; `undefined` for everything that `encodeNodeWord` did not make. Never throws. Bytes in it share the memory of `bytes`. */
export function decodeNodeWord(bytes: Uint8Array): NodeWord | undefined {
  const reader = new FieldReader(bytes);
  if (reader.byte() !== version) return undefined;
  const word = readFields(kinds[reader.byte() - firstKind], reader);
  return reader.isDone ? word : undefined;
}

function readFields(kind: (typeof kinds)[number] | undefined, reader: FieldReader): NodeWord | undefined {
  switch (kind) {
    case 'signal': {
      const to = readDevice(reader);
      const fromUser = reader.bytes();
      const fromDevice = reader.byte();
      if (fromUser.length !== userBytes) return undefined;
      return { kind, to, fromUser, fromDevice, payload: reader.rest() };
    }
    case 'prekeys-left':
      return { kind, to: readDevice(reader), left: { ec: reader.whole(), kyber: reader.whole() } };
    case 'devices-changed':
      return { kind, to: readDevice(reader), signed: reader.rest() };
    case 'devices-idle':
      return { kind, to: readDevice(reader), deviceIds: [...reader.bytes()] };
    case 'ended': {
      const userId = reader.text() as UserId;
      const which = endings[reader.byte()];
      const deviceIds = [...reader.bytes()];
      return which && { kind, userId, ending: { which, deviceIds }, signed: reader.rest() };
    }
    case 'link-left':
      return { kind, linkId: reader.text() };
    case undefined:
      return undefined;
  }
}

function writeDevice(writer: FieldWriter, { userId, deviceId }: DeviceAddress): void {
  writer.text(userId);
  writer.byte(deviceId);
}

function readDevice(reader: FieldReader): DeviceAddress {
  return { userId: reader.text() as UserId, deviceId: reader.byte() as DeviceId };
}
