import { WorkLimit } from '../platform/work-limit.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceIncarnation } from '../ports/device-incarnation.ts';
import type { DeviceKey } from '../ports/ids.ts';
import type { NodeLink } from '../ports/node-link.ts';
import type { PendingStore } from '../ports/pending-store.ts';
import type { Holder, Presence } from '../ports/presence.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import type { StreamEnd } from './connected-devices.ts';
import type { DeliveryKey } from './delivery-lane.ts';
import { deviceKeyOf, deviceOfKey } from './device-key.ts';
import type { HandOver, HandOverAnswer, NodeMessage } from './hand-over.ts';
import type { InboxTerms } from './inbox-state.ts';
import type { NodeFailure } from './node-failure.ts';
import { OpenInbox } from './open-inbox.ts';

/** How often inboxes are looked at that want to be woken, and how often their presence is kept. */
const tickMs = 1_000;
const keepMs = 20_000;
/** Calls that engines have from all inboxes of a node at once: clients that all come back together wait for each other. */
const mostCalls = 256;

/** What `GatewayInboxes` works with. */
export interface GatewayInboxesParts {
  readonly presence: Presence;
  readonly pending: PendingStore;
  readonly link: NodeLink;
  readonly clock: Clock;
  readonly timers: Timers;
  /** 0 <= jitter < 1. */
  readonly jitter: () => number;
  readonly terms: InboxTerms;
  /** There is something to give to the device: look. */
  readonly hint: (device: DeviceIncarnation) => void;
  /** An inbox has taken a record, which was handed over live or stored. */
  readonly delivered?: (device: DeviceKey, key: DeliveryKey, live: boolean) => void;
  /** What waits for a device is read. */
  readonly read?: () => void;
  /** Something went wrong, and is tried again. */
  readonly failed: (event: NodeFailure, error: unknown) => void;
}

/**
 * The half of a node that has the streams: what is to be given to the devices that are connected here, one inbox a stream.
 *
 * Mail comes by hand-overs of dispatchers and from the pending store, in the order that `device-inbox.ts` keeps; nothing that is here is the only copy.
 */
export class GatewayInboxes {
  readonly #parts: GatewayInboxesParts;
  readonly #calls = new WorkLimit(mostCalls);
  /** A device has more than one while an old stream ends; the last one is its own. */
  readonly #open = new Map<DeviceKey, OpenInbox[]>();
  /** Inboxes that have ended, and still delete what was acked. */
  readonly #ending = new Set<OpenInbox>();
  readonly #cancelTicks: readonly CancelTimer[];

  constructor(parts: GatewayInboxesParts) {
    this.#parts = parts;
    this.#cancelTicks = [
      parts.timers.every(tickMs, () => {
        for (const inbox of this.all) inbox.wake();
      }),
      parts.timers.every(keepMs, () => void this.#keep()),
    ];
  }

  /**
   * Begins a stream's inbox: claims the device's presence, then reads what waits for it. Resolves when the claim has been answered; without presence mail is found in the pending store alone, and the claim is tried again.
   * @param lost another stream has the device: this one is to be ended, as replaced, or so that its client comes again
   */
  async open(
    device: DeviceIncarnation,
    lost: (why: StreamEnd) => void = () => undefined,
  ): Promise<{ readonly inbox: OpenInbox; readonly previous: Holder | undefined }> {
    const { presence, pending, link, clock, jitter, terms, hint, delivered, read, failed } = this.#parts;
    const key = deviceKeyOf(device);
    const inbox = new OpenInbox(key, {
      presence,
      pending,
      link,
      calls: this.#calls,
      clock,
      jitter,
      terms,
      failed,
      hint: () => hint(device),
      delivered: (place, live) => delivered?.(key, place, live),
      read: () => read?.(),
      lost,
      closed: () => this.#forget(key, inbox),
    });
    this.#open.set(key, [...(this.#open.get(key) ?? []), inbox]);
    return { inbox, previous: await inbox.open() };
  }

  /** Those of all streams here. */
  get all(): readonly OpenInbox[] {
    return [...this.#open.values()].flat();
  }

  /** The inbox of the device's own stream here. */
  of(device: DeviceIncarnation): OpenInbox | undefined {
    return this.#open.get(deviceKeyOf(device))?.at(-1);
  }

  /** Since when the delivery that has waited longest has no ack, over all inboxes; undefined when none waits. */
  get waitingSince(): number | undefined {
    let since: number | undefined;
    for (const inbox of this.all) {
      const [oldest] = inbox.entries;
      if (oldest !== undefined && (since === undefined || oldest.since < since)) since = oldest.since;
    }
    return since;
  }

  /** Another node hands something over: gives the answer, which comes when the client has acked. Rejects when the asker has given up. */
  handOver(from: string, message: HandOver, signal: AbortSignal): Promise<HandOverAnswer> {
    const inboxes = this.#open.get(message.device) ?? [];
    const inbox = inboxes.find(({ epoch }) => epoch === message.epoch) ?? inboxes.at(-1);
    if (inbox !== undefined) return inbox.handOver(from, message, signal);
    const { call, device, lane, mail } = message;
    return Promise.resolve({ kind: 'answer', call, device, lane, ko: mail.ko, status: 'gone' });
  }

  /** Another node says something that concerns a stream here. */
  told(message: Extract<NodeMessage, { kind: 'hint' | 'taken-over' | 'vacated' }>): void {
    for (const inbox of [...(this.#open.get(message.device) ?? [])]) inbox.told(message);
  }

  /**
   * The device has acked these, wherever they were given. Resolves when what was stored of them is deleted.
   * @throws {RelayError} `store-unavailable`
   */
  async acked(device: DeviceIncarnation, keys: readonly DeliveryKey[]): Promise<void> {
    const { pending } = this.#parts;
    const key = deviceKeyOf(device);
    const inboxes = this.#open.get(key) ?? [];
    if (inboxes.length === 0) await Promise.all(keys.map((place) => pending.forgetOne(key, place)));
    else await Promise.all(inboxes.map((inbox) => inbox.acked(keys)));
  }

  /** Ends all inboxes: presence is given up, dispatchers are told. Resolves when what was acked of stored mail is deleted, of inboxes that had ended before too. */
  async close(): Promise<void> {
    for (const cancel of this.#cancelTicks) cancel();
    await Promise.all(this.all.map((inbox) => inbox.close()));
    await Promise.all([...this.#ending].map((inbox) => inbox.settled()));
  }

  /** Without a word, as a crash does. */
  drop(): void {
    for (const cancel of this.#cancelTicks) cancel();
    this.#open.clear();
  }

  #forget(key: DeviceKey, inbox: OpenInbox): void {
    const left = (this.#open.get(key) ?? []).filter((other) => other !== inbox);
    if (left.length === 0) this.#open.delete(key);
    else this.#open.set(key, left);
    this.#ending.add(inbox);
    void inbox.settled().finally(() => this.#ending.delete(inbox));
  }

  /** Says to presence that the streams are still here; looks where it had forgotten that. */
  async #keep(): Promise<void> {
    const { presence, link, failed } = this.#parts;
    const held = this.all.flatMap((inbox) => {
      const { epoch } = inbox;
      return epoch === undefined ? [] : [{ inbox, claim: { device: deviceOfKey(inbox.device), epoch } }];
    });
    if (held.length === 0) return;
    try {
      const kept = await presence.keep(
        link.node,
        held.map(({ claim }) => claim),
      );
      for (const [at, keeping] of kept.entries()) held[at]?.inbox.kept(keeping);
    } catch (error) {
      failed('presence.keep-failed', error);
    }
  }
}
