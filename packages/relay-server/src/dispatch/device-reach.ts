import type { DeviceAddress, UserId } from '../ports/ids.ts';
import type { MailDevice } from '../ports/mailbox.ts';
import type { PrekeysLeft } from '../ports/prekey-store.ts';
import type { Ending, EphemeralSignal } from './connected-devices.ts';

/**
 * What the relay tells devices that are connected, on whichever node they are.
 *
 * Nobody waits until they are told, and a word may be lost with the way to another node. That costs time, never more: what a device must not miss it finds in a store, and a stream that has to end does so by itself a little later.
 */
export interface DeviceReach {
  /** Mail for a device is durable: whoever reads mailboxes that have no other way to learn of it looks. */
  mail(device: DeviceAddress): void;
  /** Hands an ephemeral signal over; it is dropped when the device is not connected, or reads too slowly. */
  ephemeral(from: MailDevice, to: DeviceAddress, signal: EphemeralSignal): void;
  /** How many one-time prekeys a device has left; asked for when the device is connected. Resolves when it need not be waited for any more. */
  prekeysLeft(device: DeviceAddress, left: () => Promise<PrekeysLeft>): Promise<void>;
  /** The account's list has changed: tells these devices of it. `signed`: an encoded SignedDeviceList. */
  devicesChanged(userId: UserId, deviceIds: readonly number[], signed: Uint8Array): void;
  /** Tells the primary which devices of its account are idle. */
  devicesIdle(primary: DeviceAddress, deviceIds: readonly number[]): void;
  /** Ends streams whose session is over; `signed` is shown to them before, an encoded SignedDeviceList. */
  end(userId: UserId, ending: Ending, signed?: Uint8Array): void;
  /** A message was left at a link: who waits for it looks. */
  linkLeft(linkId: string): void;
}
