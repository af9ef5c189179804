import { isUuid } from '@sotto/proto';
import type { Executor } from '../crypto/executor.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { checkOptions, demand, given, type OptionRules, signalOnly } from '../option-rules.ts';
import type { Clock } from '../ports/clock.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { ChatId, UserId } from '../ports/ids.ts';
import type { Randomness } from '../ports/randomness.ts';
import { SottoError } from '../sotto-error.ts';
import { ownQueue, tellOfAccount } from '../sync/own-sync.ts';
import type { AuthorizedClient, CallOptions } from '../transport/http-client.ts';
import { removeAvatar, requestAvatar, requestProfile, storeAvatar, storeProfile } from '../transport/profile-calls.ts';
import { accessKeyOf } from './access-key.ts';
import { checkAvatar, type OpenProfile, openAvatar, openProfile, sealAvatar, sealProfile } from './sealed-profile.ts';
import { stayingAccount, usableAccount } from './standing.ts';
import { checkUsername } from './username.ts';

/** What is to change of the own profile; what is left out stays. */
export interface ProfileChange extends CallOptions {
  readonly username?: string;
  /** At most 1 MiB; null = none from now on. */
  readonly avatar?: Uint8Array | null;
}

const changeRules: OptionRules<ProfileChange> = {
  username: given.anything,
  avatar: { fits: (avatar) => avatar === null || avatar instanceof Uint8Array, says: 'a Uint8Array, or null for none' },
  signal: given.signal,
};

/** What `Profiles` works with. */
export interface ProfileParts {
  readonly executor: Executor;
  readonly http: AuthorizedClient;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly sha256: Sha256;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  /** Something waits in this queue. */
  readonly onQueued: (chatId: ChatId) => void;
  /** @throws {SottoError} `client-stopped` */
  readonly assertRunning: () => void;
}

/** The own profile, and those of others: names and avatars that the relay has only encrypted. */
export class Profiles {
  readonly #parts: ProfileParts;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: ProfileParts) {
    this.#parts = parts;
  }

  /**
   * Changes the own profile at the relay, then here. Calling it again after a failure is harmless.
   * @throws {SottoError} `argument-invalid`, `username-invalid`, `avatar-too-large`, `not-registered`, `session-ended`, and as AuthorizedClient
   */
  async set(change: ProfileChange): Promise<void> {
    this.#parts.assertRunning();
    checkOptions('profile.set', change, changeRules);
    if (change.username !== undefined) checkUsername(change.username);
    if (change.avatar) checkAvatar(change.avatar);
    await this.inTurn(() => this.#set(change));
  }

  /** Runs what changes the own profile at the relay, behind what does so already: two at once could leave it under a key that nobody was told. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    // Whoever asked is told how it ended.
    this.#turn = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  /**
   * Stores the own profile as it is at the relay, sealed under another key; here nothing changes. Calling it again is harmless.
   * @returns the profile as it is stored: without the avatar, if that can't be had from the relay any more
   * @throws {SottoError} `not-registered`, `session-ended`, and as AuthorizedClient
   */
  async storeUnder(profileKey: Uint8Array, { signal }: CallOptions = {}): Promise<OpenProfile> {
    const { executor, http, randomness } = this.#parts;
    const { account, before } = await executor.run([], async (overlay) => {
      const own = stayingAccount(await overlay.get('account', {}));
      return { account: own, before: await overlay.get('user', { id: own.userId }) };
    });
    const keys = [account.profileKey, profileKey];
    const avatar = before?.avatarHash && (await this.#ownAvatar(account.userId, before.avatarHash, keys, { signal }));
    const profile: OpenProfile = {
      username: account.username,
      avatarHash: avatar === undefined ? undefined : before?.avatarHash,
    };
    if (avatar) await storeAvatar(http, sealAvatar(avatar, profileKey, randomness), { signal });
    await storeProfile(http, sealProfile(profile, profileKey, randomness), accessKeyOf(profileKey), { signal });
    return profile;
  }

  /** It is under the first of the keys, or under the second when it was stored before; undefined when neither opens it, or it is gone. */
  async #ownAvatar(
    userId: UserId,
    hash: Uint8Array,
    keys: readonly Uint8Array[],
    options: CallOptions,
  ): Promise<Uint8Array | undefined> {
    const { http, sha256 } = this.#parts;
    const sealed = await requestAvatar(http, userId, options).catch((error: unknown) => {
      if (error instanceof SottoError && error.relayCode === 'not-found') return undefined;
      throw error;
    });
    if (sealed === undefined) return undefined;
    for (const key of keys) {
      try {
        return openAvatar(sealed, hash, key, sha256);
      } catch (error) {
        if (!(error instanceof SottoError && error.code === 'relay-misbehaved')) throw error;
      }
    }
    return undefined;
  }

  async #set({ username, avatar, signal }: ProfileChange): Promise<void> {
    const { executor, http, clock, randomness, sha256 } = this.#parts;
    const { account, before } = await executor.run([], async (overlay) => {
      const own = stayingAccount(await overlay.get('account', {}));
      return { account: own, before: await overlay.get('user', { id: own.userId }) };
    });
    const next: OpenProfile = {
      username: username ?? account.username,
      avatarHash: avatar === undefined ? before?.avatarHash : avatar === null ? undefined : sha256(avatar),
    };
    // The avatar first: whoever reads a profile in between finds an avatar that is not the profile's, and asks again.
    if (avatar) await storeAvatar(http, sealAvatar(avatar, account.profileKey, randomness), { signal });
    await storeProfile(http, sealProfile(next, account.profileKey, randomness), accessKeyOf(account.profileKey), {
      signal,
    });
    if (avatar === null) await removeAvatar(http, { signal });
    await executor.run(['account'], async (overlay) => {
      const now = usableAccount(await overlay.get('account', {}));
      overlay.put('account', { ...now, username: next.username });
      const self = await overlay.get('user', { id: now.userId });
      if (self) overlay.put('user', { ...self, ...next, updatedAt: clock.now() });
      overlay.record({ type: 'profile.changed', userId: now.userId });
      await tellOfAccount(overlay, this.#parts.origin, clock.now());
    });
    this.#parts.onQueued(ownQueue(account));
  }

  /**
   * Reads somebody's profile with the key from a message of theirs.
   * @throws {SottoError} `user-unknown`, `relay-misbehaved` (the profile does not open with this key), and as AuthorizedClient
   */
  async fetchProfile(userId: UserId, profileKey: Uint8Array, options: CallOptions = {}): Promise<OpenProfile> {
    const { profile } = await requestProfile(this.#parts.http, userId, options);
    return openProfile(profile, profileKey);
  }

  /**
   * Reads somebody's avatar, as the profile that is known here names it; `undefined` when it names none, or no profile of theirs is known yet.
   * @throws {SottoError} `argument-invalid`, `relay-misbehaved` (another avatar than the profile's), `relay-refused` (`not-found`), and as AuthorizedClient
   */
  async fetchAvatar(userId: UserId, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    this.#parts.assertRunning();
    checkOptions('profile.fetchAvatar', options, signalOnly);
    demand(isUuid(userId), 'fetchAvatar takes a user id: that of a chat, a message or an event');
    const { executor, http, sha256 } = this.#parts;
    const user = await executor.run([], (overlay) => overlay.get('user', { id: userId }));
    if (user?.avatarHash === undefined || user.profileKey === undefined) return undefined;
    const sealed = await requestAvatar(http, userId, options);
    return openAvatar(sealed, user.avatarHash, user.profileKey, sha256);
  }
}
