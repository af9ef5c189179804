import type { LinkWaits } from '../devices/link-waits.ts';
import type { DeviceAddress, UserId } from '../ports/ids.ts';
import type { ListedDevices } from '../ports/listed-devices.ts';
import type { MailDevice } from '../ports/mailbox.ts';
import type { NodeLink } from '../ports/node-link.ts';
import type { PrekeysLeft } from '../ports/prekey-store.ts';
import type { Presence } from '../ports/presence.ts';
import { RelayError } from '../relay-error.ts';
import { AppendTurns } from './append-turns.ts';
import type { ConnectedDevices, Ending, EphemeralSignal } from './connected-devices.ts';
import { namedDevice } from './device-key.ts';
import type { DeviceReach } from './device-reach.ts';
import type { LocalReach } from './local-reach.ts';
import type { NodeFailure } from './node-failure.ts';
import { encodeNodeWord, type NodeWord } from './node-words.ts';
import type { OtherNodes } from './other-nodes.ts';

/** How much is on its way to devices at once; what comes then is dropped. */
const mostAtOnce = 1_024;
/** How long another node may take to hear that streams are to end. */
const heardWithinMs = 10_000;
const nothing = new Uint8Array();

/** What a `ClusterReach` works with. */
export interface ClusterReachParts {
  readonly connected: ConnectedDevices;
  readonly local: LocalReach;
  readonly linkWaits: LinkWaits;
  readonly presence: Presence;
  readonly listed: ListedDevices;
  readonly others: OtherNodes;
  readonly link: NodeLink;
  readonly failed: (event: NodeFailure, error: unknown) => void;
}

/**
 * Reaches the devices of all nodes: those that are connected here at once, another by the node that presence names.
 *
 * What ends streams is told to all nodes, since presence may be wrong. A node that does not hear it finds out: which devices are listed it looks up again and again (`ListedCheck`);
 * and where a device stays listed, its presence is taken from the stream, so that its node sees that it has lost it when it keeps it next.
 */
export class ClusterReach implements DeviceReach {
  readonly #parts: ClusterReachParts;
  /** What is for one device goes in the order in which it came. */
  readonly #turns = new AppendTurns<string>();
  #underWay = 0;

  constructor(parts: ClusterReachParts) {
    this.#parts = parts;
  }

  mail(): void {
    // The inboxes tell the streams.
  }

  /** From a device that is listed: a stream whose device was taken off on another node may be open a little longer. */
  ephemeral(from: MailDevice, to: DeviceAddress, signal: EphemeralSignal): void {
    this.#inTurn(to, async () => {
      const { listed, local } = this.#parts;
      if (namedDevice(await listed.of(from.userId), from) === undefined) return;
      if (this.#isHere(to)) {
        local.ephemeral(from, to, signal);
        return;
      }
      const { userId: fromUser, deviceId: fromDevice, payload } = signal;
      await this.#tellHolder(to, { kind: 'signal', to, fromUser, fromDevice, payload });
    });
  }

  async prekeysLeft(device: DeviceAddress, left: () => Promise<PrekeysLeft>): Promise<void> {
    if (this.#isHere(device)) return this.#parts.local.prekeysLeft(device, left);
    this.#inTurn(device, async () => {
      const node = await this.#holderOf(device);
      if (node !== undefined) this.#tell(node, { kind: 'prekeys-left', to: device, left: await left() });
    });
  }

  devicesChanged(userId: UserId, deviceIds: readonly number[], signed: Uint8Array): void {
    for (const deviceId of deviceIds) {
      const to = { userId, deviceId } as DeviceAddress;
      if (this.#isHere(to)) this.#parts.local.devicesChanged(userId, [deviceId], signed);
      else this.#inTurn(to, () => this.#tellHolder(to, { kind: 'devices-changed', to, signed }));
    }
  }

  devicesIdle(to: DeviceAddress, deviceIds: readonly number[]): void {
    if (this.#isHere(to)) this.#parts.local.devicesIdle(to, deviceIds);
    else this.#inTurn(to, () => this.#tellHolder(to, { kind: 'devices-idle', to, deviceIds }));
  }

  end(userId: UserId, ending: Ending, signed: Uint8Array = nothing): void {
    this.#parts.connected.endOf(userId, ending, signed);
    this.#begin(() => this.#insistAll({ kind: 'ended', userId, ending, signed }));
    if (ending.which === 'but') return;
    for (const deviceId of ending.deviceIds)
      this.#begin(() => this.#takePresence({ userId, deviceId } as DeviceAddress));
  }

  linkLeft(linkId: string): void {
    this.#begin(async () => {
      for (const node of await this.#parts.others.names()) this.#tell(node, { kind: 'link-left', linkId });
    });
  }

  /** Another node tells something of devices that may be connected here. */
  heard(word: NodeWord): void {
    const { connected, linkWaits } = this.#parts;
    switch (word.kind) {
      case 'signal': {
        const { fromUser: userId, fromDevice: deviceId, payload } = word;
        connected.get(word.to.userId, word.to.deviceId)?.ephemeral({ userId, deviceId, payload });
        break;
      }
      case 'prekeys-left':
        connected.get(word.to.userId, word.to.deviceId)?.prekeysLeft(word.left);
        break;
      case 'devices-changed':
        connected.get(word.to.userId, word.to.deviceId)?.devicesChanged(word.signed);
        break;
      case 'devices-idle':
        connected.get(word.to.userId, word.to.deviceId)?.devicesIdle(word.deviceIds);
        break;
      case 'ended':
        connected.endOf(word.userId, word.ending, word.signed);
        break;
      case 'link-left':
        linkWaits.wake(word.linkId);
        break;
    }
  }

  #isHere({ userId, deviceId }: DeviceAddress): boolean {
    return this.#parts.connected.get(userId, deviceId) !== undefined;
  }

  async #tellHolder(device: DeviceAddress, word: NodeWord): Promise<void> {
    const node = await this.#holderOf(device);
    if (node !== undefined) this.#tell(node, word);
  }

  /** Where a device is connected that is not connected here, as far as is known. */
  async #holderOf(device: DeviceAddress): Promise<string | undefined> {
    const { presence, link } = this.#parts;
    const holder = await presence.holder(device);
    return holder?.node === link.node ? undefined : holder?.node;
  }

  #tell(node: string, word: NodeWord): void {
    this.#parts.link.tell(node, encodeNodeWord(word));
  }

  /** Tells all nodes, and finds out which have not heard it. */
  async #insistAll(word: NodeWord): Promise<void> {
    const { others, link, failed } = this.#parts;
    const bytes = encodeNodeWord(word);
    const asking = (await others.names()).map((node) => link.request(node, bytes, { timeoutMs: heardWithinMs }));
    for (const { status } of await Promise.all(asking)) {
      if (status !== 'answered') failed('reach.not-heard', new RelayError('internal', `A node: ${status}.`));
    }
  }

  /** Whoever streams as this device loses it, and nobody has it until somebody logs in. */
  async #takePresence(device: DeviceAddress): Promise<void> {
    await this.#parts.presence.claim(device, this.#parts.link.node);
  }

  #begin(work: () => Promise<void>): void {
    work().catch((error: unknown) => this.#parts.failed('reach.failed', error));
  }

  #inTurn({ userId, deviceId }: DeviceAddress, work: () => Promise<void>): void {
    if (this.#underWay >= mostAtOnce) {
      this.#parts.failed('reach.failed', new RelayError('internal', 'Too much is on its way to devices.'));
      return;
    }
    this.#underWay++;
    const turn = this.#turns.enter([`${userId}.${deviceId}`]);
    this.#begin(async () => {
      try {
        await turn.ready;
        await work();
      } finally {
        this.#underWay--;
        turn.leave();
      }
    });
  }
}
