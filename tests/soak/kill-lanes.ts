import type { Seeded } from '../crash/seeded.ts';
import type { SoakHost } from './soak-host.ts';
import { clientSteps, provocationOf, relaySteps } from './soak-steps.ts';
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
    const step = this.#nextStep(clientSteps);
    await host.alone(async () => {
      if (step === undefined) await this.#plainKill(host);
      else await this.#killHostAt(host, step);
    });
  }

  async killRelay(): Promise<void> {
    const { relay } = this.#world;
    const step = this.#nextStep(relaySteps);
    await relay.alone(async () => {
      if (step === undefined) {
        await relay.kill();
        this.#tally.fault('SIGKILL relay');
        return;
      }
      const fatal = { step, hit: this.#seeded.between(1, 2) };
      const isLed = provocationOf(step) !== 'none';
      const isHit = await relay.killAt(isLed ? { step, hit: 1 } : fatal, () => this.#lead(step, this.#host()));
      this.#count(isHit, 'relay', step);
    });
  }

  /** One that does not stand still, if there is one. */
  #host(): SoakHost {
    const { hosts } = this.#world;
    const awake = hosts.filter((host) => host.isAwake);
    const [first, ...more] = awake.length > 0 ? awake : hosts;
    if (first === undefined) throw new Error('there is no host');
    return this.#seeded.oneOf(first, ...more);
  }

  async #plainKill(host: SoakHost): Promise<void> {
    await host.kill();
    this.#tally.fault('SIGKILL client');
  }

  async #killHostAt(host: SoakHost, step: string): Promise<void> {
    if (provocationOf(step) === 'old-prekeys') {
      const aheadMs = host.aheadMs + prekeysOldMs;
      if (aheadMs > mostAheadMs) return this.#plainKill(host);
      host.aheadMs = aheadMs;
      this.#count(await host.killAtStart({ step, hit: 1 }), 'client', step);
      return;
    }
    const isLed = provocationOf(step) !== 'none';
    const hit = isLed ? 1 : this.#seeded.between(1, 3);
    this.#count(await host.killAt({ step, hit }, () => this.#lead(step, host)), 'client', step);
  }

  #count(isHit: boolean, side: string, step: string): void {
    if (isHit) this.#tally.hit(step);
    this.#tally.fault(isHit ? `SIGKILL ${side} at a step` : `not met in time: ${step}`);
  }

  /** Brings a step about. */
  async #lead(step: string, host: SoakHost): Promise<void> {
    switch (provocationOf(step)) {
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
      default:
        return;
    }
  }

  /** The first one that ended nobody yet, and was tried least; later any, or none in half of the cases. */
  #nextStep(steps: readonly string[]): string | undefined {
    const possible = steps.filter(
      (step) => provocationOf(step) !== 'newcomer' || this.#world.newcomers < mostNewcomers,
    );
    if (this.#only !== undefined) return possible.find((step) => step === this.#only);
    const tries = (step: string) => this.#tried.get(step) ?? 0;
    const [next] = possible
      .filter((step) => this.#tally.hits(step) === 0)
      .sort((one, other) => tries(one) - tries(other));
    if (next === undefined && this.#seeded.oneOf(true, false)) return undefined;
    const [first = '', ...more] = possible;
    const chosen = next ?? this.#seeded.oneOf(first, ...more);
    this.#tried.set(chosen, tries(chosen) + 1);
    return chosen;
  }
}
