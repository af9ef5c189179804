import type { DeviceIncarnation } from '../ports/device-incarnation.ts';
import type { ListedDevices } from '../ports/listed-devices.ts';
import type { MailDevice } from '../ports/mailbox.ts';
import type { StreamEnd } from './connected-devices.ts';
import { namedDevice } from './device-key.ts';
import type { GatewayInboxes } from './gateway-inboxes.ts';
import type { StreamClaim, StreamClaims } from './stream-claims.ts';

/**
 * The claims of one node of a cluster: each is an inbox.
 *
 * The inbox claims what stands in presence, keeps it, and claims it again when it is lost.
 */
export class ClusterClaims implements StreamClaims {
  readonly #inboxes: GatewayInboxes;
  readonly #listed: ListedDevices;

  constructor(inboxes: GatewayInboxes, listed: ListedDevices) {
    this.#inboxes = inboxes;
    this.#listed = listed;
  }

  /** A device that is not listed gets no inbox, nor does one that is another by now: nothing is there for it. */
  async claim(
    address: MailDevice,
    lost: (why: StreamEnd) => void,
    named: (device: MailDevice) => void = () => undefined,
  ): Promise<StreamClaim> {
    const device = await this.#listedAs(address, lost);
    if (device === undefined) {
      lost('session-ended');
      return { release: () => Promise.resolve() };
    }
    named(device);
    const { inbox } = await this.#inboxes.open(device, lost);
    return { release: () => inbox.close() };
  }

  /** A stream that has no inbox is told of nothing that comes: so it does not stay. */
  async #listedAs(address: MailDevice, lost: (why: StreamEnd) => void): Promise<DeviceIncarnation | undefined> {
    try {
      return namedDevice(await this.#listed.of(address.userId), address);
    } catch (error) {
      lost('failed');
      throw error;
    }
  }
}
