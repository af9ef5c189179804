import { call } from './library.ts';
import { type Uuid, uuidBytes, uuidText } from './uuid.ts';
import { type Bytes, Values } from './wire.ts';

const fixedWidth = 17;

/** What kind of identity a service id is of. */
export const ServiceIdKind = { Aci: 0, Pni: 1 } as const;

export type ServiceIdKind = (typeof ServiceIdKind)[keyof typeof ServiceIdKind];

type Subclass<T extends ServiceId> = abstract new (fixedWidthBinary: Uint8Array) => T;

/** An account's identity: a UUID and its kind. */
export class ServiceId {
  private readonly fixedWidthBinary: Uint8Array;

  constructor(fixedWidthBinary: Uint8Array) {
    if (fixedWidthBinary.length !== fixedWidth) throw new TypeError('invalid Service-Id-FixedWidthBinary');
    this.fixedWidthBinary = fixedWidthBinary;
  }

  // biome-ignore-start lint/complexity/noThisInStatic: the class that is asked decides what is given.
  static parseFromServiceIdFixedWidthBinary<T extends ServiceId>(this: Subclass<T>, bytes: Uint8Array): T {
    switch (bytes[0]) {
      case ServiceIdKind.Aci:
        return new Aci(bytes).downcastTo(this);
      case ServiceIdKind.Pni:
        return new Pni(bytes).downcastTo(this);
      default:
        throw new TypeError('unknown type in Service-Id-FixedWidthBinary');
    }
  }

  /** @throws {LibSignalErrorBase} */
  static parseFromServiceIdBinary<T extends ServiceId>(this: Subclass<T>, bytes: Uint8Array): T {
    const read = call('ServiceId_ParseFromServiceIdBinary', new Values().bytes(bytes), (fields) => fields.bytes());
    return ServiceId.parseFromServiceIdFixedWidthBinary(read).downcastTo(this);
  }

  /** @throws {LibSignalErrorBase} */
  static parseFromServiceIdString<T extends ServiceId>(this: Subclass<T>, text: string): T {
    const read = call('ServiceId_ParseFromServiceIdString', new Values().text(text), (fields) => fields.bytes());
    return ServiceId.parseFromServiceIdFixedWidthBinary(read).downcastTo(this);
  }
  // biome-ignore-end lint/complexity/noThisInStatic: the class that is asked decides what is given.

  getServiceIdBinary(): Bytes {
    return call('ServiceId_ServiceIdBinary', this.values(), (fields) => fields.bytes());
  }

  getServiceIdFixedWidthBinary(): Bytes {
    return Uint8Array.from(this.fixedWidthBinary);
  }

  getServiceIdString(): string {
    return call('ServiceId_ServiceIdString', this.values(), (fields) => fields.text());
  }

  toString(): string {
    return call('ServiceId_ServiceIdLog', this.values(), (fields) => fields.text());
  }

  getRawUuid(): Uuid {
    return uuidText(this.getRawUuidBytes());
  }

  getRawUuidBytes(): Uint8Array {
    return this.fixedWidthBinary.subarray(1);
  }

  isEqual(other: ServiceId): boolean {
    return ServiceId.comparator(this, other) === 0;
  }

  downcastTo<T extends ServiceId>(subclass: Subclass<T>): T {
    if (this instanceof subclass) return this;
    throw new TypeError(`expected ${subclass.name}, got ${this.constructor.name}`);
  }

  static comparator(this: void, left: ServiceId, right: ServiceId): number {
    const other = right.fixedWidthBinary;
    for (const [at, byte] of left.fixedWidthBinary.entries()) {
      const difference = byte - (other[at] ?? 0);
      if (difference !== 0) return Math.sign(difference);
    }
    return 0;
  }

  static toConcatenatedFixedWidthBinary(ids: readonly ServiceId[]): Bytes {
    const bytes = new Uint8Array(ids.length * fixedWidth);
    for (const [at, id] of ids.entries()) bytes.set(id.fixedWidthBinary, at * fixedWidth);
    return bytes;
  }

  private values(): Values {
    return new Values().bytes(this.fixedWidthBinary);
  }
}

function ofKind(kind: ServiceIdKind, uuid: Uint8Array): Bytes {
  const bytes = new Uint8Array(fixedWidth);
  bytes[0] = kind;
  bytes.set(uuid, 1);
  return bytes;
}

/** The identity of an account. */
export class Aci extends ServiceId {
  static fromUuid(uuid: Uuid): Aci {
    return Aci.fromUuidBytes(uuidBytes(uuid));
  }

  static fromUuidBytes(uuid: Uint8Array): Aci {
    return new Aci(ofKind(ServiceIdKind.Aci, uuid));
  }
}

/** The identity of a phone number. */
export class Pni extends ServiceId {
  static fromUuid(uuid: Uuid): Pni {
    return Pni.fromUuidBytes(uuidBytes(uuid));
  }

  static fromUuidBytes(uuid: Uint8Array): Pni {
    return new Pni(ofKind(ServiceIdKind.Pni, uuid));
  }
}

/** A device: a name and a number from 1 to 127. */
export class ProtocolAddress {
  private readonly text: string;
  private readonly device: number;

  private constructor(name: string, deviceId: number) {
    this.text = name;
    this.device = deviceId;
  }

  /** @throws {LibSignalErrorBase} `InvalidProtocolAddress` */
  static new(name: string | ServiceId, deviceId: number): ProtocolAddress {
    const text = typeof name === 'string' ? name : name.getServiceIdString();
    const address = new ProtocolAddress(text, deviceId);
    if (!Number.isInteger(deviceId) || deviceId < 1 || deviceId > 127) {
      call('ProtocolAddress_New', address.under(new Values()), () => undefined);
    }
    return address;
  }

  name(): string {
    return this.text;
  }

  serviceId(): ServiceId | null {
    try {
      return ServiceId.parseFromServiceIdString(this.text);
    } catch {
      return null;
    }
  }

  deviceId(): number {
    return this.device;
  }

  toString(): string {
    return `${this.text}.${this.device}`;
  }

  /** Adds this address to the arguments of an operation. */
  under(values: Values): Values {
    return values.text(this.text).u32(this.device);
  }
}
