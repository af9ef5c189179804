import fc from 'fast-check';
import { expect } from 'vitest';
import type { HarnessMaker } from '../conformance/harness.ts';
import { someIncarnation } from '../conformance/incarnation-samples.ts';
import { someBytes, someUser, start } from '../conformance/samples.ts';
import type { MailResult } from '../ports/mailbox.ts';
import type { SendReceipt, SendReceipts } from '../ports/send-receipts.ts';
import { receiptRetentionMs } from './retention.ts';

const users = Array.from({ length: 4 }, () => someUser());

interface Taken {
  readonly send: number;
  readonly token: string;
  readonly endsAt: number;
}

type Command =
  | { readonly kind: 'claim'; readonly send: number; readonly to: readonly number[]; readonly leaseMs: number }
  | { readonly kind: 'settle'; readonly pick: number; readonly to: readonly number[]; readonly devices: number }
  | { readonly kind: 'abandon'; readonly pick: number }
  | { readonly kind: 'pass'; readonly ms: number };

const recipients = fc.uniqueArray(fc.nat(users.length - 1), { maxLength: users.length });
const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('claim' as const),
        send: fc.nat(2),
        to: recipients,
        leaseMs: fc.integer({ min: 1, max: 20 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('settle' as const),
        pick: fc.nat(2),
        to: recipients,
        devices: fc.integer({ min: 1, max: 4 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('abandon' as const), pick: fc.nat(2) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('pass' as const),
        ms: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(receiptRetentionMs, receiptRetentionMs / 2)),
      }),
    },
  ),
  { minLength: 5, maxLength: 60, size: 'max' },
);

/** What must be known of three sends, as lists of what happened. */
class Model {
  readonly #receipts: SendReceipts;
  readonly #keys = [0, 1, 2].map((at) => ({ sender: at === 0 ? undefined : someIncarnation(), sendId: someBytes(16) }));
  readonly #records: (SendReceipt | undefined)[] = [undefined, undefined, undefined];
  /** The newest last; one that was settled or abandoned is no lease any more. */
  readonly #taken: Taken[] = [];
  readonly #over = new Set<string>();
  #now = start;

  constructor(receipts: SendReceipts) {
    this.#receipts = receipts;
  }

  async run(command: Command): Promise<void> {
    if (command.kind === 'pass') this.#now += command.ms;
    if (command.kind === 'claim') await this.#claim(command.send, command.to, command.leaseMs);
    if (command.kind === 'settle') await this.#settle(command.pick, command.to, command.devices);
    if (command.kind === 'abandon') await this.#abandon(command.pick);
  }

  async check(): Promise<void> {
    for (const [send, key] of this.#keys.entries()) {
      expect(await this.#receipts.recorded(key, this.#now)).toEqual(this.#record(send));
    }
  }

  async #claim(send: number, to: readonly number[], leaseMs: number): Promise<void> {
    const wanted = to.map((at) => this.#of(users, at));
    const claim = await this.#receipts.claim(this.#of(this.#keys, send), wanted, this.#now, leaseMs);
    const receipt = this.#record(send);
    const lease = this.#taken.findLast((taken) => taken.send === send);
    if (receipt !== undefined && wanted.every((user) => receipt.results.some(({ userId }) => userId === user))) {
      expect(claim).toEqual({ status: 'recorded', receipt });
    } else if (lease !== undefined && !this.#over.has(lease.token) && this.#now < lease.endsAt) {
      expect(claim).toEqual({ status: 'claimed', endsAt: lease.endsAt });
    } else {
      if (claim.status !== 'fresh') throw new Error(`a free send is ${claim.status}`);
      expect(claim.receipt).toEqual(receipt);
      expect(this.#taken.some(({ token }) => token === claim.token)).toBe(false);
      this.#taken.push({ send, token: claim.token, endsAt: this.#now + leaseMs });
    }
  }

  async #settle(pick: number, to: readonly number[], devices: number): Promise<void> {
    const taken = this.#taken.at(-1 - pick);
    if (taken === undefined) return;
    const results = to.map((at): MailResult => {
      const userId = this.#of(users, at);
      const each = Array.from({ length: devices }, (_, deviceAt) => ({
        deviceId: (at * 31 + deviceAt) % 127 || 127,
        status: (deviceAt % 2 === 0 ? 'accepted' : 'full') as 'accepted' | 'full',
      }));
      return { userId, status: devices === 4 ? 'full' : 'accepted', devices: each };
    });
    const receipt = { acceptedAt: this.#now, expiresAt: this.#now + 7 * devices, results };
    const before = this.#record(taken.send);
    const added = results.filter(
      ({ userId, status }) => status === 'accepted' && !before?.results.some((result) => result.userId === userId),
    );
    const after = { ...(before ?? receipt), results: [...(before?.results ?? []), ...added] };
    this.#records[taken.send] = after.results.length === 0 ? undefined : after;
    this.#over.add(taken.token);
    const given = await this.#receipts.settle(this.#of(this.#keys, taken.send), taken.token, receipt, this.#now);
    expect(given).toEqual(this.#record(taken.send));
  }

  async #abandon(pick: number): Promise<void> {
    const taken = this.#taken.at(-1 - pick);
    if (taken === undefined) return;
    this.#over.add(taken.token);
    await this.#receipts.abandon(this.#of(this.#keys, taken.send), taken.token);
  }

  #record(send: number): SendReceipt | undefined {
    const record = this.#records[send];
    return record !== undefined && this.#now <= record.acceptedAt + receiptRetentionMs ? record : undefined;
  }

  #of<T>(list: readonly T[], index: number): T {
    const found = list[index];
    if (found === undefined) throw new Error(`the model has no entry ${index}`);
    return found;
  }
}

/** Random sequences of claims, settles in and out of time, and time that passes give what lists of them give. */
export async function checkSendReceiptsModel(
  maker: HarnessMaker<{ readonly receipts: SendReceipts }>,
  runs: number,
): Promise<void> {
  const harness = await maker.open();
  try {
    await fc.assert(
      fc.asyncProperty(commands, async (sequence) => {
        const model = new Model(harness.stores.receipts);
        for (const command of sequence) {
          await model.run(command);
          await model.check();
        }
      }),
      { numRuns: runs },
    );
  } finally {
    await harness.close();
  }
}
