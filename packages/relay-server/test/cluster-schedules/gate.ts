import { setImmediate } from 'node:timers/promises';
import { behindBroken } from '../../src/adapters/behind-broken.ts';
import type { LogConsumer, LogHandlers, MailLog } from '../../src/ports/mail-log.ts';
import type { CancelTimer, Timers } from '../../src/ports/timers.ts';
import { RelayError } from '../../src/relay-error.ts';
import type { SimRandom } from '../dispatch-sim/sim-random.ts';

/** The engines of a node, each of which can fail by itself. */
export const engineNames = ['log', 'pending', 'presence', 'receipts', 'ledger', 'listed'] as const;
export type EngineName = (typeof engineNames)[number];

/** What an engine does with a call of a node that is not simply answered. */
const fates = ['refused', 'done-but-failed', 'slow', 'answers-late', 'done-after-failing'] as const;

/** The longest that an engine keeps anybody waiting: adapters have time-outs. */
const longestMs = 9_000;

/**
 * Everything that goes from one node to its engines: calls fail, are slow, or are carried out though they failed.
 * With the death of the node nothing more goes through, in either direction: whoever waits does so for ever, as a process does that is gone.
 */
export class Gate {
  /** How often calls of an engine don't go well, 0 to 1. */
  readonly trouble: Record<EngineName, number> = { log: 0, pending: 0, presence: 0, receipts: 0, ledger: 0, listed: 0 };
  readonly #random: SimRandom;
  readonly #time: Timers;
  readonly #cancels = new Set<CancelTimer>();
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly #struck: (what: string) => void;
  isDead = false;

  constructor(random: SimRandom, time: Timers, struck: (what: string) => void) {
    this.#random = random;
    this.#time = time;
    this.#struck = struck;
  }

  die(): void {
    this.isDead = true;
    for (const cancel of this.#cancels) cancel();
  }

  /**
   * @param order Calls of the same order are carried out in the order in which they were made.
   * @param failing Called when the call fails by the schedule, before a later one of its order is carried out.
   */
  async call<T>(engine: EngineName, apply: () => Promise<T>, order?: string, failing?: () => void): Promise<T> {
    if (this.isDead) return never();
    const random = this.#random;
    const fate = random.chance(this.trouble[engine]) ? random.pick(fates) : 'well';
    const waitMs = 1 + random.below(longestMs);
    if (fate !== 'well') this.#struck(`${engine} ${fate}`);
    // What is kept in order fails in order.
    const before = failing === undefined || order === undefined ? undefined : this.#tails.get(order);
    const kept = async () => {
      const result = await apply();
      if (fate === 'done-but-failed') failing?.();
      return result;
    };
    const apart = fate === 'refused' ? undefined : this.#inTurn(order, fate, waitMs, kept);
    if (fate === 'refused' || fate === 'done-but-failed' || fate === 'done-after-failing') {
      if (fate === 'done-but-failed') await apart;
      else await before?.catch(() => undefined);
      if (fate === 'done-after-failing') await this.#wait(random.below(waitMs));
      apart?.catch(() => undefined);
      if (this.isDead) return never();
      failing?.();
      throw new RelayError('store-unavailable', `The ${engine} failed, as the schedule wants it.`, { retryable: true });
    }
    const result = await apart;
    if (fate === 'answers-late') await this.#wait(waitMs);
    return this.isDead ? never() : (result as T);
  }

  /** Timers that end with the node. */
  get timers(): Timers {
    const { after, every } = { after: this.#time.after.bind(this.#time), every: this.#time.every.bind(this.#time) };
    const tracked = (cancel: CancelTimer): CancelTimer => {
      this.#cancels.add(cancel);
      return () => {
        this.#cancels.delete(cancel);
        cancel();
      };
    };
    return {
      after: (ms, run) => tracked(after(ms, run)),
      every: (ms, run) => tracked(every(ms, run)),
    };
  }

  async #inTurn<T>(order: string | undefined, fate: string, waitMs: number, apply: () => Promise<T>): Promise<T> {
    const hops = this.#random.chance(0.2) ? this.#random.below(3) : 0;
    const carryOut = async () => {
      if (fate === 'slow' || fate === 'done-after-failing') await this.#wait(waitMs);
      for (let hop = 0; hop < hops; hop++) await setImmediate();
      if (this.isDead && this.#random.chance(0.5)) return never<T>();
      return apply();
    };
    if (order === undefined) return carryOut();
    const before = this.#tails.get(order);
    const mine = before === undefined ? carryOut() : before.then(carryOut, carryOut);
    this.#tails.set(order, mine);
    const done = () => {
      if (this.#tails.get(order) === mine) this.#tails.delete(order);
    };
    mine.then(done, done);
    return mine;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#time.after(ms, resolve));
  }
}

/** An engine behind a gate: every method gives a promise. */
export function gated<Engine extends object>(engine: Engine, name: EngineName, gate: Gate): Engine {
  return new Proxy(engine, {
    get(target, property) {
      const method: unknown = Reflect.get(target, property);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => gate.call(name, async () => method.apply(target, args));
    },
  });
}

/** The log behind a gate. `appended` is told of every record that is there, whatever the node learns of it. */
export function gatedLog(
  log: MailLog,
  gate: Gate,
  appended: (topic: string, value: Uint8Array, at: object) => void,
): MailLog {
  return {
    append(topic, key, value, headers, fence) {
      let hasFailed = false;
      return gate.call(
        'log',
        async () => {
          if (fence?.broken && !hasFailed) throw behindBroken();
          const position = await log.append(topic, key, value, headers);
          appended(topic, value, position);
          return position;
        },
        `${topic} ${Buffer.from(key).toString('hex')}`,
        () => {
          if (fence === undefined || fence.broken) return;
          hasFailed = true;
          fence.broken = true;
        },
      );
    },
    async consume(options, handlers) {
      const consumer = await log.consume(options, gatedHandlers(handlers, gate));
      const behind: LogConsumer = {
        // The group takes nothing of a member that is gone; this one would find out, and join again.
        commit: (assignment, offset) =>
          gate.call('log', async () => (gate.isDead ? never() : consumer.commit(assignment, offset))),
        pause: (assignment) => consumer.pause(assignment),
        resume: (assignment) => consumer.resume(assignment),
        close: () => (gate.isDead ? never() : consumer.close()),
      };
      return behind;
    },
    committed: (group, topic) => gate.call('log', () => log.committed(group, topic)),
    deleteBefore: (topic, position) => gate.call('log', () => log.deleteBefore(topic, position)),
    describe: (topic) => gate.call('log', () => log.describe(topic)),
    close: () => log.close(),
  };
}

function gatedHandlers(handlers: LogHandlers, gate: Gate): LogHandlers {
  return {
    assigned: (assignment) => void (gate.isDead || handlers.assigned(assignment)),
    revoked: (assignment, how) => (gate.isDead ? Promise.resolve() : handlers.revoked(assignment, how)),
    records: (assignment, records) => (gate.isDead ? never() : handlers.records(assignment, records)),
    skipped: (assignment, gap) => void (gate.isDead || handlers.skipped(assignment, gap)),
    failed: (error) => void (gate.isDead || handlers.failed(error)),
  };
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
