import type { Seeded } from '../crash/seeded.ts';
import type { FatalStep } from '../led/fatal-tracer.ts';
import type { SoakHost } from './soak-host.ts';
import { clientSteps, provocationOf } from './soak-steps.ts';
import type { SoakWorld } from './soak-world.ts';
import type { Tally } from './tally.ts';
import { ignoringEnd } from './victim.ts';

const hour = 3_600_000;
const day = 24 * hour;
/** Prekeys stand for a week. */
const prekeysOldMs = 8 * day;
const mostNewcomers = 24;
const mostAheadMs = 20 * day;

/** Kills one side, again and again: at each step once, then here and there. */
export class KillLanes {
  readonly #world: SoakWorld;
  readonly #tally: Tally;
  readonly #seeded: Seeded;
  /** When given, nothing but this step. */
  readonly #only: string | undefined;
  readonly #tried = new Map<string, number>();

  constructor(parts: { world: SoakWorld; tally: Tally; seeded: Seeded; only: string | undefined }) {
    this.#world = parts.world;
    this.#tally = parts.tally;
    this.#seeded = parts.seeded;
    this.#only = parts.only;
  }

  async killClient(): Promise<void> {
    const host = this.#host();
    const steps = this.#nextSteps(clientSteps);
    await host.alone(async () => {
      if (steps.length === 0) await this.#plainKill(host);
      else await this.#killHostAt(host, steps);
    });
  }

  async killRelay(): Promise<void> {
    const { nodes, steps: relaySteps } = this.#world.relays;
    const relay = this.#awake(nodes);
    const steps = this.#nextSteps(relaySteps);
    await relay.alone(async () => {
      if (steps.length === 0) {
        await relay.kill();
        this.#tally.fault('SIGKILL relay');
        return;
      }
      this.#count(
        await relay.killAt(this.#fatal(steps), () => this.#lead(steps, this.#host(), 'relay')),
        'relay',
        steps,
      );
    });
  }

  /** One that does not stand still, if there is one. */
  #host(): SoakHost {
    return this.#awake(this.#world.hosts);
  }

  #awake<T extends { readonly isAwake: boolean }>(all: readonly T[]): T {
    const awake = all.filter(({ isAwake }) => isAwake);
    const [first, ...more] = awake.length > 0 ? awake : all;
    if (first === undefined) throw new Error('there is nobody');
    return this.#seeded.oneOf(first, ...more);
  }

  async #plainKill(host: SoakHost): Promise<void> {
    await host.kill();
    this.#tally.fault('SIGKILL client');
  }

  async #killHostAt(host: SoakHost, steps: readonly string[]): Promise<void> {
    if (provocationOf(steps) === 'old-prekeys') {
      const aheadMs = host.aheadMs + prekeysOldMs;
      if (aheadMs > mostAheadMs) return this.#plainKill(host);
      host.aheadMs = aheadMs;
      this.#count(await host.killAtStart(this.#fatal(steps)), 'client', steps);
      return;
    }
    this.#count(await host.killAt(this.#fatal(steps), () => this.#lead(steps, host, 'client')), 'client', steps);
  }

  /** What happens all the time may happen a few times before. */
  #fatal(steps: readonly string[]): FatalStep[] {
    const isLed = provocationOf(steps) !== 'none';
    return steps.map((step) => ({ step, hit: isLed ? 1 : this.#seeded.between(1, 3) }));
  }

  #count(hit: string | undefined, side: string, steps: readonly string[]): void {
    if (hit !== undefined) this.#tally.hit(hit);
    this.#tally.fault(hit === undefined ? `not met in time: ${steps.join(', ')}` : `SIGKILL ${side} at a step`);
  }

  /** Brings steps about. */
  async #lead(steps: readonly string[], host: SoakHost, victim: 'client' | 'relay'): Promise<void> {
    switch (provocationOf(steps)) {
      case 'newcomer': {
        const person = this.#world.newcomer(host);
        await ignoringEnd(host.process.call('add', person));
        const { people } = this.#world;
        for (const each of this.#world.hosts) each.setPeers(people);
        return;
      }
      case 'old-tokens':
        await host.setClock(host.aheadMs + 2 * hour);
        await ignoringEnd(host.process.call('ask', undefined));
        return;
      case 'revocation': {
        const { devices } = this.#world;
        // The first device is killed while it signs: on the relay's side anybody's may be.
        const owners = (victim === 'client' ? host.people : this.#world.people).map(({ name }) => name);
        const device = devices.mayRevoke(owners, this.#seeded);
        if (device !== undefined) return devices.revoke(device, false);
        const owner = devices.mayLink(
          this.#world.people.map(({ name }) => name).filter((name) => owners.includes(name)),
          this.#seeded,
        );
        if (owner !== undefined) await devices.link(owner);
        return;
      }
      case 'group-change':
        await ignoringEnd(host.process.call('tend', undefined));
        return;
      default:
        return;
    }
  }

  /** Those of one kind that ended nobody yet, of the kind that was tried least; later any one, or none in half of the cases. */
  #nextSteps(steps: readonly string[]): readonly string[] {
    const possible = steps.filter(
      (step) => provocationOf([step]) !== 'newcomer' || this.#world.newcomers < mostNewcomers,
    );
    if (this.#only !== undefined) return possible.filter((step) => step === this.#only);
    const missing = Map.groupBy(
      possible.filter((step) => this.#tally.hits(step) === 0),
      (step) => provocationOf([step]),
    );
    // Steps that need no leading are met at once: they come first, and three times as often.
    const tries = (kind: string) =>
      (this.#tried.get(kind) ?? 0) / (kind === 'none' ? 3 : 1) - (kind === 'none' ? 1 : 0);
    const [next] = [...missing].sort(([one], [other]) => tries(one) - tries(other));
    if (next !== undefined) {
      const [kind, group] = next;
      this.#tried.set(kind, (this.#tried.get(kind) ?? 0) + 1);
      return group;
    }
    if (this.#seeded.oneOf(true, false)) return [];
    return [this.#seeded.oneOf(possible[0] ?? '', ...possible.slice(1))];
  }
}
