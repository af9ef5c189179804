import type { DeviceAddress } from '../ports/ids.ts';
import { type ListedDevices, listedDevice } from '../ports/listed-devices.ts';
import type { Holder, Keeping, Presence, PresenceClaim } from '../ports/presence.ts';
import type { GatewayInboxes } from './gateway-inboxes.ts';
import type { OpenInbox } from './open-inbox.ts';

/**
 * Presence as the streams of one node see it: a claim begins the stream's inbox, the release ends it.
 *
 * The inbox claims what stands behind, keeps it, and claims it again when it is lost, so its epochs are its own; what this gives as one names the inbox.
 */
export class ClusterPresence implements Presence {
  readonly #presence: Presence;
  readonly #inboxes: GatewayInboxes;
  readonly #listed: ListedDevices;
  readonly #claims = new Map<string, OpenInbox>();
  #lastClaim = 0;

  constructor(presence: Presence, inboxes: GatewayInboxes, listed: ListedDevices) {
    this.#presence = presence;
    this.#inboxes = inboxes;
    this.#listed = listed;
  }

  /** For this node, whatever `node` says. A device that is not listed gets no inbox: nothing is there for it. */
  async claim(address: DeviceAddress): Promise<{ readonly epoch: string; readonly previous: Holder | undefined }> {
    const device = listedDevice(await this.#listed.of(address.userId), address);
    const epoch = `stream-${++this.#lastClaim}`;
    if (device === undefined) return { epoch, previous: undefined };
    const { inbox, previous } = await this.#inboxes.open(device);
    this.#claims.set(epoch, inbox);
    return { epoch, previous };
  }

  holder(device: DeviceAddress): Promise<Holder | undefined> {
    return this.#presence.holder(device);
  }

  async release(_device: DeviceAddress, epoch: string): Promise<void> {
    const inbox = this.#claims.get(epoch);
    this.#claims.delete(epoch);
    await inbox?.close();
  }

  /** Inboxes keep what they hold by themselves. */
  async keep(_node: string, claims: readonly PresenceClaim[]): Promise<readonly Keeping[]> {
    return claims.map(({ epoch }) => (this.#claims.has(epoch) ? 'kept' : 'taken'));
  }
}
