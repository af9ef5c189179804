import fc from 'fast-check';
import { expect } from 'vitest';
import type { Harness, HarnessMaker } from '../conformance/harness.ts';
import { hex } from '../conformance/harness.ts';
import { someBytes, someDevice, start } from '../conformance/samples.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import type { MailReader } from '../ports/mailbox.ts';
import type { RelayStores } from '../ports/relay-stores.ts';

const quota = { count: 6, bytes: 400, strangerCount: 3, strangerBytes: 250 };

interface Held {
  readonly envelope: string;
  readonly bytes: number;
  readonly stranger: boolean;
  readonly expiresAt: number;
  readonly deliveryId: Uint8Array | undefined;
}

type Command =
  | {
      readonly kind: 'append';
      readonly to: number;
      readonly size: number;
      readonly send: number;
      readonly ttl: number;
      readonly stranger: boolean;
      /** Whether the end of the envelope is one that others could share. */
      readonly shares: boolean;
    }
  | { readonly kind: 'read'; readonly to: number; readonly limit: number }
  | { readonly kind: 'ack'; readonly to: number; readonly by: number; readonly pick: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'expire' }
  | { readonly kind: 'reconnect'; readonly to: number }
  | { readonly kind: 'look' }
  | { readonly kind: 'reopen' };

const device = fc.constantFrom(0, 0, 0, 1, 2);
const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        to: device,
        // Long enough to be told apart.
        size: fc.integer({ min: 12, max: 150 }),
        send: fc.integer({ min: 0, max: 40 }),
        ttl: fc.integer({ min: 1, max: 30 }),
        stranger: fc.boolean(),
        shares: fc.boolean(),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('read' as const), to: device, limit: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('ack' as const), to: device, by: device, pick: fc.nat(5) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 12 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reconnect' as const), to: device }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  ),
  { minLength: 5, maxLength: 80, size: 'max' },
);

/** What a mailbox must look like from outside, kept as plain lists. */
class Model {
  readonly #harness: Harness<RelayStores>;
  readonly #canReopen: boolean;
  readonly #devices: readonly DeviceAddress[] = [someDevice(1), someDevice(2), someDevice(3)];
  readonly #sender = someDevice();
  readonly #sendIds = Array.from({ length: 41 }, () => someBytes(16));
  readonly #recorded = new Map<number, number>();
  readonly #held: Held[][] = [[], [], []];
  /** What the reader of a device has not given yet. */
  readonly #ahead: Held[][] = [[], [], []];
  readonly #given: Uint8Array[][] = [[], [], []];
  #readers: MailReader[];
  #now = start;

  constructor(harness: Harness<RelayStores>, canReopen: boolean) {
    this.#harness = harness;
    this.#canReopen = canReopen;
    this.#readers = this.#devices.map((address) => harness.stores.mailbox.reader(address));
  }

  async run(command: Command): Promise<void> {
    switch (command.kind) {
      case 'append':
        return this.#append(command);
      case 'read':
        return this.#read(command.to, command.limit);
      case 'ack':
        return this.#ack(command.to, command.by, command.pick);
      case 'pass':
        this.#now += command.ms;
        return;
      case 'expire':
        return this.#expire();
      case 'reconnect':
        return this.#reconnect(command.to);
      case 'look':
        return this.look();
      case 'reopen':
        return this.#reopen();
    }
  }

  /** After each command: what is held is what `usage` tells. */
  async check(): Promise<void> {
    for (const [index, address] of this.#devices.entries()) {
      const held = this.#of(this.#held, index);
      const { count, bytes, strangerCount, strangerBytes } = await this.#harness.stores.mailbox.usage(address);
      expect([count, bytes]).toEqual([held.length, held.reduce((sum, entry) => sum + entry.bytes, 0)]);
      expect({ count: strangerCount, bytes: strangerBytes }).toEqual(strangersOf(held));
    }
  }

  /** What is held is what a fresh reader gives. Not after each command: another reader may change how the first is served. */
  async look(): Promise<void> {
    for (const [index, address] of this.#devices.entries()) {
      const { mailbox } = this.#harness.stores;
      const held = this.#of(this.#held, index);
      const entries = await mailbox.reader(address).next(100, this.#now);
      const live = held.filter(({ expiresAt }) => this.#now < expiresAt);
      expect(entries.map(({ envelope }) => hex(envelope))).toEqual(live.map(({ envelope }) => envelope));
    }
  }

  async #append({ to, size, send, ttl, stranger, shares }: Command & { kind: 'append' }): Promise<void> {
    const { userId, deviceId } = this.#of(this.#devices, to);
    const envelope = someBytes(size);
    const append = {
      sender: this.#sender,
      sendId: this.#of(this.#sendIds, send),
      recipients: [{ userId, stranger, items: [{ deviceId, envelope: shares ? envelope.subarray(0, 5) : envelope }] }],
      ...(shares && { shared: envelope.subarray(5) }),
      acceptedAt: this.#now,
      expiresAt: this.#now + ttl,
    };
    const receipt = await this.#harness.stores.mailbox.append(append, quota);
    const key = send * 3 + to;
    const first = [...this.#recorded].find(([known]) => Math.floor(known / 3) === send)?.[1];
    if (this.#recorded.has(key)) {
      expect([receipt.repeated, receipt.acceptedAt, receipt.results[0]?.status]).toEqual([true, first, 'accepted']);
      return;
    }
    const held = this.#of(this.#held, to);
    const bytes = held.reduce((sum, entry) => sum + entry.bytes, 0);
    const strangers = strangersOf(held);
    const fits =
      held.length < quota.count &&
      bytes + size <= quota.bytes &&
      (!stranger || (strangers.count < quota.strangerCount && strangers.bytes + size <= quota.strangerBytes));
    expect([receipt.results[0]?.status, receipt.acceptedAt]).toEqual([fits ? 'accepted' : 'full', first ?? this.#now]);
    if (!fits) return;
    this.#recorded.set(key, first ?? this.#now);
    const { expiresAt } = append;
    const entry = { envelope: hex(envelope) ?? '', bytes: size, stranger, expiresAt, deliveryId: undefined };
    held.push(entry);
    this.#of(this.#ahead, to).push(entry);
  }

  async #read(to: number, limit: number): Promise<void> {
    const entries = await this.#of(this.#readers, to).next(limit, this.#now);
    const ahead = this.#of(this.#ahead, to).filter(({ expiresAt }) => this.#now < expiresAt);
    expect(entries.map(({ envelope }) => hex(envelope))).toEqual(ahead.slice(0, limit).map(({ envelope }) => envelope));
    this.#ahead[to] = ahead.slice(limit);
    const held = this.#of(this.#held, to);
    for (const { deliveryId, envelope } of entries) {
      const index = held.findIndex((entry) => entry.envelope === hex(envelope) && entry.deliveryId === undefined);
      const entry = held[index];
      if (entry !== undefined) held[index] = { ...entry, deliveryId };
      this.#of(this.#given, to).push(deliveryId);
    }
  }

  async #ack(to: number, by: number, pick: number): Promise<void> {
    const given = this.#of(this.#given, to);
    const deliveryId = given[given.length - 1 - pick] ?? someBytes(16);
    const held = this.#of(this.#held, to);
    const index = by === to ? held.findIndex((entry) => hex(entry.deliveryId) === hex(deliveryId)) : -1;
    expect(await this.#harness.stores.mailbox.ack(this.#of(this.#devices, by), [deliveryId])).toBe(index < 0 ? 0 : 1);
    if (index < 0) return;
    const [acked] = held.splice(index, 1);
    this.#ahead[to] = this.#of(this.#ahead, to).filter((entry) => entry !== acked);
  }

  async #expire(): Promise<void> {
    let expired = 0;
    for (const to of this.#held.keys()) {
      const held = this.#of(this.#held, to);
      const left = held.filter(({ expiresAt }) => this.#now < expiresAt);
      expired += held.length - left.length;
      this.#held[to] = left;
    }
    expect(await this.#harness.stores.mailbox.expire(this.#now)).toBe(expired);
  }

  #reconnect(to: number): void {
    this.#readers[to] = this.#harness.stores.mailbox.reader(this.#of(this.#devices, to));
    // A fresh reader gives everything that is held once more.
    this.#ahead[to] = [...this.#of(this.#held, to)];
  }

  async #reopen(): Promise<void> {
    if (this.#canReopen) await this.#harness.reopen();
    for (const to of this.#devices.keys()) this.#reconnect(to);
  }

  #of<T>(list: readonly T[], index: number): T {
    const found = list[index];
    if (found === undefined) throw new Error(`the model has no entry ${index}`);
    return found;
  }
}

function strangersOf(held: readonly Held[]): { readonly count: number; readonly bytes: number } {
  const strangers = held.filter(({ stranger }) => stranger);
  return { count: strangers.length, bytes: strangers.reduce((sum, entry) => sum + entry.bytes, 0) };
}

/** Random sequences of appends, reads, acks, expiry and restarts give what plain lists give. */
export async function checkMailboxModel(maker: HarnessMaker<RelayStores>, runs: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      const harness = await maker.open();
      try {
        const model = new Model(harness, maker.missing.reopen === undefined);
        for (const command of sequence) {
          await model.run(command);
          await model.check();
        }
        await model.look();
      } finally {
        await harness.close();
      }
    }),
    { numRuns: runs },
  );
}
