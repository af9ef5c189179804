import fc from 'fast-check';
import { expect } from 'vitest';
import type { HarnessMaker } from '../conformance/harness.ts';
import { someIncarnation } from '../conformance/incarnation-samples.ts';
import { someBytes, someDevice, start } from '../conformance/samples.ts';
import type { LedgerEntry, MailLedger } from '../ports/mail-ledger.ts';

const quota = { count: 6, bytes: 400, strangerCount: 3, strangerBytes: 250 };

interface Incoming {
  readonly to: number;
  readonly id: number;
  readonly size: number;
  readonly ttl: number;
  readonly stranger: boolean;
}

type Command =
  | { readonly kind: 'reserve'; readonly incoming: readonly Incoming[] }
  | { readonly kind: 'release'; readonly by: number; readonly ids: readonly number[] }
  | { readonly kind: 'expire'; readonly limit: number }
  | { readonly kind: 'forget'; readonly of: number }
  | { readonly kind: 'pass'; readonly ms: number };

const device = fc.constantFrom(0, 0, 0, 1, 2);
const incoming = fc.record({
  to: device,
  id: fc.nat(30),
  size: fc.nat(150),
  ttl: fc.integer({ min: -2, max: 30 }),
  stranger: fc.boolean(),
});
const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('reserve' as const),
        incoming: fc.array(incoming, { minLength: 1, maxLength: 4 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('release' as const),
        by: device,
        ids: fc.array(fc.nat(30), { maxLength: 12 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 12 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('expire' as const), limit: fc.integer({ min: 1, max: 6 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), of: device }) },
  ),
  { minLength: 5, maxLength: 60, size: 'max' },
);

/** What three devices of two users hold, as one list. */
class Model {
  readonly #ledger: MailLedger;
  readonly #devices = [1, 2, 3].map((deviceId) => someIncarnation(someDevice(deviceId)));
  readonly #ids = Array.from({ length: 31 }, (_, at) => someBytes(1 + at).fill(at, -1));
  #held: (LedgerEntry & { readonly to: number; readonly id: number })[] = [];
  #now = start;

  constructor(ledger: MailLedger) {
    this.#ledger = ledger;
    const [first, second] = this.#devices;
    if (first !== undefined && second !== undefined) this.#devices[1] = { ...second, userId: first.userId };
  }

  async run(command: Command): Promise<void> {
    switch (command.kind) {
      case 'reserve':
        return this.#reserve(command.incoming);
      case 'release':
        return this.#release(command.by, command.ids);
      case 'expire':
        return this.#expire(command.limit);
      case 'forget':
        this.#held = this.#held.filter(({ to }) => to !== command.of);
        return this.#ledger.forget(this.#of(this.#devices, command.of));
      case 'pass':
        this.#now += command.ms;
    }
  }

  /** After each command: what is held is what `usage` tells. */
  async check(): Promise<void> {
    for (const [to, address] of this.#devices.entries()) {
      const held = this.#held.filter((entry) => entry.to === to);
      const strangers = held.filter(({ stranger }) => stranger);
      expect(await this.#ledger.usage(address)).toEqual({
        count: held.length,
        bytes: sum(held),
        strangerCount: strangers.length,
        strangerBytes: sum(strangers),
        oldest: held.map(({ acceptedAt }) => acceptedAt).sort((one, other) => one - other)[0],
      });
    }
  }

  /** At the end: everything expires. */
  async end(): Promise<void> {
    this.#now += 1_000;
    while (this.#held.length > 0) await this.#expire(4);
    await this.check();
  }

  async #reserve(all: readonly Incoming[]): Promise<void> {
    const entries = all.map(({ to, id, size, ttl, stranger }) => ({
      device: this.#of(this.#devices, to),
      entryId: this.#of(this.#ids, id),
      size,
      stranger,
      acceptedAt: this.#now - (size % 5),
      expiresAt: this.#now + ttl,
    }));
    const expected = entries.map((entry, at) => {
      const { to, id } = this.#of(all, at);
      const held = this.#held.filter((other) => other.to === to);
      if (held.some((other) => other.id === id)) return 'accepted';
      const strangers = held.filter(({ stranger }) => stranger);
      const fits =
        held.length < quota.count &&
        sum(held) + entry.size <= quota.bytes &&
        (!entry.stranger ||
          (strangers.length < quota.strangerCount && sum(strangers) + entry.size <= quota.strangerBytes));
      if (fits) this.#held.push({ ...entry, to, id });
      return fits ? 'accepted' : 'full';
    });
    expect(await this.#ledger.reserve(entries, quota)).toEqual(expected);
  }

  async #release(by: number, ids: readonly number[]): Promise<void> {
    const left = this.#held.filter(({ to, id }) => to !== by || !ids.includes(id));
    const released = await this.#ledger.release(
      this.#of(this.#devices, by),
      ids.map((id) => this.#of(this.#ids, id)),
    );
    expect(released).toBe(this.#held.length - left.length);
    this.#held = left;
  }

  /** Which of the ended go first is the adapter's: only all of them can be foretold. */
  async #expire(limit: number): Promise<void> {
    const left = this.#held.filter(({ expiresAt }) => this.#now < expiresAt);
    let ended = this.#held.length - left.length;
    for (let last = limit; last === limit; ended -= last) {
      last = await this.#ledger.expire(this.#now, limit);
      expect(last).toBe(Math.min(limit, ended));
    }
    this.#held = left;
  }

  #of<T>(list: readonly T[], index: number): T {
    const found = list[index];
    if (found === undefined) throw new Error(`the model has no entry ${index}`);
    return found;
  }
}

function sum(entries: readonly LedgerEntry[]): number {
  return entries.reduce((bytes, { size }) => bytes + size, 0);
}

/** Random sequences of reserves, releases, sweeps and devices that go give what one plain list gives. */
export async function checkMailLedgerModel(
  maker: HarnessMaker<{ readonly ledger: MailLedger }>,
  runs: number,
): Promise<void> {
  const harness = await maker.open();
  try {
    await fc.assert(
      fc.asyncProperty(commands, async (sequence) => {
        const model = new Model(harness.stores.ledger);
        for (const command of sequence) {
          await model.run(command);
          await model.check();
        }
        await model.end();
      }),
      { numRuns: runs },
    );
  } finally {
    await harness.close();
  }
}
