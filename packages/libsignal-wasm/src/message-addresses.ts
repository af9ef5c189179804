import { type ProtocolAddress, ServiceId } from './address.ts';
import { LibSignalErrorBase } from './errors.ts';

const macLength = 8;
const innerMessage = 4;
const addresses = 6;
const lengthDelimited = 2;
const bytesOfType: ReadonlyMap<number, number> = new Map([
  [1, 8],
  [5, 4],
]);

/** Who sent a message to whom, as the caller has it. */
export interface Route {
  readonly from: ProtocolAddress;
  readonly to: ProtocolAddress;
}

/**
 * Refuses a message that says of itself that it goes from another device or to another one. What it says is under its MAC; newer libraries write it into the messages that begin a session. This age of the library neither writes nor reads it.
 * @param message as it came
 * @throws {LibSignalErrorBase}
 */
export function checkAddresses(message: Uint8Array, route: Route, operation: string): void {
  const said = fieldOf(message.subarray(1, message.length - macLength), addresses);
  if (said === undefined) return;
  const expected = [route.from, route.to].flatMap((address) => bytesOf(address));
  if (said.length === expected.length && expected.every((byte, at) => byte === said[at])) return;
  throw new LibSignalErrorBase('invalid message: decryption failed', '', operation);
}

/** As `checkAddresses`, of the message inside of one that begins a session. @throws {LibSignalErrorBase} */
export function checkInnerAddresses(message: Uint8Array, route: Route, operation: string): void {
  checkAddresses(fieldOf(message.subarray(1), innerMessage) ?? new Uint8Array(), route, operation);
}

/** Nothing for who has no service id: whatever a message says, it does not say that. */
function bytesOf(address: ProtocolAddress): number[] {
  const id = address.serviceId();
  return id instanceof ServiceId ? [...id.getServiceIdFixedWidthBinary(), address.deviceId()] : [];
}

/** The last field of this number, as protobuf has it; of no bytes when it is of another type. The library has parsed the message before. */
function fieldOf(message: Uint8Array, wanted: number): Uint8Array | undefined {
  let at = 0;
  let found: Uint8Array | undefined;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < message.length; factor *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < message.length) {
    const tag = varint();
    const type = tag % 8;
    const isWanted = Math.floor(tag / 8) === wanted;
    if (type === lengthDelimited) {
      const length = varint();
      if (isWanted) found = message.subarray(at, at + length);
      at += length;
    } else {
      if (isWanted) found = new Uint8Array();
      const length = bytesOfType.get(type);
      if (length === undefined) varint();
      else at += length;
    }
  }
  return found;
}
