import type { LimitsConfig } from '../config/relay-config.ts';
import type { GroupId, NumberMac, UserId } from '../ports/ids.ts';
import type { RateLimiter } from '../ports/rate-limiter.ts';
import { RelayError } from '../relay-error.ts';
import { SeenNumbers } from './seen-numbers.ts';

/** Who asks for a code, for which number. */
export interface CodeAsker {
  readonly number: NumberMac;
  /** The number without its last digits, under the same keyed hash. */
  readonly prefix: NumberMac;
  readonly network: string | undefined;
}

/**
 * How often somebody may do what is dear or tells something. Each method throws `rate-limited` with the time to wait.
 *
 * `network` is what a client is counted by, as `networkOf` gives it; a connection that has no address, since it was handed in by the process itself, has no limits by address.
 */
export class Limits {
  readonly #limiter: RateLimiter;
  readonly #config: LimitsConfig;
  readonly #seen = new SeenNumbers();

  constructor(limiter: RateLimiter, config: LimitsConfig) {
    this.#limiter = limiter;
    this.#config = config;
  }

  /** A verification code: by address, by number and by the numbers beside it, in this order, so that one address can't use up the others' share. */
  async takeCode({ number, prefix, network }: CodeAsker): Promise<void> {
    await this.#takeOf('codesPerAddress', network);
    await this.#takeOf('codesPerNumber', textOf(number));
    await this.#takeOf('codesPerPrefix', textOf(prefix));
  }

  /** One of all verification codes: gives how long to wait when there is none left, 0 otherwise. */
  async takeOneOfAllCodes(): Promise<number> {
    const taken = await this.#limiter.take('codesInAll', 1, this.#config.codesInAll);
    return taken.allowed ? 0 : taken.retryAfterMs;
  }

  /** A try at a code of this number. */
  takeGuess(number: NumberMac): Promise<void> {
    return this.#takeOf('guessesPerNumber', textOf(number));
  }

  /** Numbers that an account looks up. Those that it, or somebody at its address, has looked up before cost nothing of that budget. */
  async takeLookups(user: UserId, network: string | undefined, numbers: readonly NumberMac[]): Promise<void> {
    const askers = [['lookupsPerAccount', user] as const, ['lookupsPerAddress', network] as const];
    for (const [name, of] of askers) {
      if (of !== undefined) await this.#takeOf(name, of, this.#seen.countNew(`${name} ${of}`, numbers));
    }
    for (const [name, of] of askers) if (of !== undefined) this.#seen.add(`${name} ${of}`, numbers);
  }

  /** Key bundles: that one account takes of another, and that all take of it. */
  async takeBundle(requester: UserId, target: UserId): Promise<void> {
    await this.#takeOf('bundlesPerPair', `${requester} ${target}`);
    await this.#takeOf('bundlesPerTarget', target);
  }

  /** Any HTTP request. */
  takeRequest(network: string | undefined): Promise<void> {
    return this.#takeOf('requestsPerAddress', network);
  }

  /** A try to register, or to recover an account: dear, since signatures are checked. */
  takeRegistration(network: string | undefined): Promise<void> {
    return this.#takeOf('registrationsPerAddress', network);
  }

  /** A linking that a new device begins. */
  takeLinking(network: string | undefined): Promise<void> {
    return this.#takeOf('linkingsPerAddress', network);
  }

  /** A new access token: leaves a row for as long as a replaced one is remembered. */
  takeRefresh(network: string | undefined): Promise<void> {
    return this.#takeOf('refreshesPerAddress', network);
  }

  /** An upgrade that was refused. */
  takeRefusedUpgrade(network: string | undefined): Promise<void> {
    return this.#takeOf('upgradesPerAddress', network);
  }

  /** A request of an account that changes something. */
  takeWrite(user: UserId): Promise<void> {
    return this.#takeOf('writesPerAccount', user);
  }

  /** What an account adds to the log and the members of groups, and puts beside the log: kept for good, so by its size, in KiB begun. */
  takeGroupBytes(user: UserId, bytes: number): Promise<void> {
    return this.#takeOf('groupKibPerAccount', user, Math.ceil(bytes / 1_024));
  }

  /** That somebody puts others out of a group's table of members, or repairs it: every member has a bucket of its own, so that nobody is put out more often than it can come back. */
  takeGroupRepair(user: UserId, groupId: GroupId): Promise<void> {
    return this.#takeOf('groupRepairsPerMember', `${user} ${textOf(groupId)}`);
  }

  /** A record of somebody who came into a group by itself, or wants to: those by an invite are counted for the group as well, whoever they are. */
  async takeGuestRecord(user: UserId, groupId: GroupId, isGuest: boolean): Promise<void> {
    await this.#takeOf('groupRecordsPerGuest', `${user} ${textOf(groupId)}`);
    if (isGuest) await this.#takeOf('groupGuestsPerGroup', textOf(groupId));
  }

  /** An avatar of any group that somebody uploads. */
  takeGroupAvatarBy(user: UserId): Promise<void> {
    return this.#takeOf('groupAvatarsPerAccount', user);
  }

  /** An avatar that any member uploads for a group. */
  takeGroupAvatarOf(groupId: GroupId): Promise<void> {
    return this.#takeOf('groupAvatarsPerGroup', textOf(groupId));
  }

  /** Sealed sends from one address. One request never costs more than a full bucket: it has to get through some time. */
  takeSealedFrom(network: string | undefined, cost = 1): Promise<void> {
    return this.#takeOf('sealedPerAddress', network, Math.min(cost, this.#config.sealedPerAddress.burst));
  }

  /** A sealed send under one access key, which is known by its hash. */
  takeSealedUnder(accessKeyHash: Uint8Array): Promise<void> {
    return this.#takeOf('sealedPerKey', Buffer.from(accessKeyHash).toString('base64url'));
  }

  async #takeOf(name: keyof LimitsConfig, of: string | undefined, cost = 1): Promise<void> {
    if (of === undefined || cost === 0) return;
    const taken = await this.#limiter.take(`${name} ${of}`, cost, this.#config[name]);
    if (!taken.allowed) throw tooOften(taken.retryAfterMs);
  }
}

/** Refuses what comes too often. */
export function tooOften(retryAfterMs: number): RelayError {
  return new RelayError('rate-limited', 'Too often: wait, then try again.', { retryable: true, retryAfterMs });
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
