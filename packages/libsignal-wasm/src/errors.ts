import { ErrorCode, isErrorName } from './error-code.ts';

/** What belongs to some of the codes. */
export interface ErrorDetails {
  /** The name of the address that is not trusted, or whose registration id does not fit. */
  readonly name?: string;
  readonly deviceId?: number;
  /** A UUID. */
  readonly distributionId?: string;
}

/** What every function of the library throws, or rejects with, when it refuses: as the native library's, with the same codes. */
export class LibSignalErrorBase extends Error {
  readonly code: ErrorCode;
  /** The function of the library, by its native name. */
  readonly operation: string;
  readonly distributionId?: string;
  readonly deviceId?: number;
  private readonly details: ErrorDetails;

  constructor(message: string, name: string, operation: string, details: ErrorDetails = {}) {
    super(message);
    const isKnown = isErrorName(name);
    this.name = isKnown ? name : 'LibSignalError';
    this.code = isKnown ? ErrorCode[name] : ErrorCode.Generic;
    this.operation = operation;
    this.details = details;
    // As the native library has it: there the name of the address is written over that of the error.
    if (this.code === ErrorCode.InvalidProtocolAddress && details.name !== undefined) {
      this.name = details.name;
      this.deviceId = details.deviceId ?? 0;
    }
    if (details.distributionId !== undefined) this.distributionId = details.distributionId;
  }

  /**
   * Whose identity key is not trusted (a name), or whose registration id is not valid.
   * @throws {TypeError} for other codes
   */
  get addr(): string | ErrorAddress {
    const { name = '', deviceId = 0 } = this.details;
    if (this.code === ErrorCode.UntrustedIdentity) return name;
    if (this.code === ErrorCode.InvalidRegistrationId) {
      return { name: () => name, deviceId: () => deviceId, toString: () => `${name}.${deviceId}` };
    }
    throw new TypeError(`cannot get address from this error (${this})`);
  }

  override toString(): string {
    return `${this.name} - ${this.operation}: ${this.message}`;
  }

  is(code: ErrorCode): boolean {
    return this.code === code;
  }

  static is(error: unknown, code: ErrorCode): error is LibSignalErrorBase {
    return error instanceof LibSignalErrorBase && error.is(code);
  }
}

/** An address in an error. */
export interface ErrorAddress {
  name(): string;
  deviceId(): number;
  toString(): string;
}
