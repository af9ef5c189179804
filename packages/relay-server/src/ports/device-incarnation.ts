import type { DeviceAddress } from './ids.ts';

/** A device for as long as its account lists it under one registration: who leaves the list and comes back, under whatever device id, is another one. */
export interface DeviceIncarnation extends DeviceAddress {
  /** Opaque, at most 64 characters, never given to another device of this address. */
  readonly incarnation: string;
}
