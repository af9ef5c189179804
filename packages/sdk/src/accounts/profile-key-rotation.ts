import { chatWith } from '../chats/chat-state.ts';
import { clientStopped } from '../client-stopped.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';
import { hasBlocked } from '../people/blocked.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChatId, GroupId, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { StoreQueries } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import { tellOfAccount } from '../sync/own-sync.ts';
import type { CallOptions } from '../transport/http-client.ts';
import type { Profiles } from './profile.ts';
import type { OpenProfile } from './sealed-profile.ts';

/** What `ProfileKeyRotation` works with. */
export interface ProfileKeyRotationParts {
  readonly executor: Executor;
  readonly queries: Pick<StoreQueries, 'chats' | 'groups' | 'groupMembers'>;
  readonly profiles: Pick<Profiles, 'inTurn' | 'storeUnder'>;
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is sealed under the first key, and only for this account, is to be sealed under the second. Called again after a crash. */
  readonly onRotating: (from: Uint8Array, to: Uint8Array, options: CallOptions) => Promise<void>;
  /** The account has its new key, and these chats are to tell it. */
  readonly onRotated: (chats: readonly ChatId[]) => Promise<void>;
}

const chatPage = 256;
const groupPage = 64;
/** More people who are in groups alone are not told by themselves: they learn it with the next key of a chain. */
const mostMembers = 256;

/**
 * Brings a new profile key to the relay, then into use, in the background.
 *
 * The key was committed by whoever wished for it (`nextProfileKey`): a block, or a revocation. While a revocation is under way it waits, since the device that goes is still told what own devices are told. The relay gets the profile under it, with its access key; then the account takes it, and all accepted contacts and the members of its groups are told, in one commit. So no contact shows an access key that the relay does not know yet, and a crash between any two steps is mended by the next pass, which asks for the same key again.
 */
export class ProfileKeyRotation {
  readonly #parts: ProfileKeyRotationParts;
  readonly #ending = new AbortController();
  #working: Promise<void> | undefined;
  #again = false;

  constructor(parts: ProfileKeyRotationParts) {
    this.#parts = parts;
  }

  /** A new key may wait: makes a pass, or another one when one is under way. A failure is logged, and the next `wake` mends it. */
  wake(): void {
    if (this.#ending.signal.aborted) return;
    this.#again = true;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Gives up what is under way. Idempotent. */
  async stop(): Promise<void> {
    this.#ending.abort(clientStopped());
    await this.#working;
  }

  async #work(): Promise<void> {
    while (this.#again && !this.#ending.signal.aborted) {
      this.#again = false;
      try {
        await this.pass();
      } catch (error) {
        const code = error instanceof SottoError ? (error.relayCode ?? error.code) : 'internal';
        this.#parts.logger.warn('profile-key.failed', { code });
      }
    }
  }

  /**
   * Takes the key that waits into use, if there is one.
   * @throws {SottoError} as AuthorizedClient, and what the store throws: it waits on
   */
  async pass(): Promise<void> {
    const { executor, profiles } = this.#parts;
    const { account, mustWait } = await executor.run([], async (overlay) => {
      return { account: await overlay.get('account', {}), mustWait: await isRevoking(overlay) };
    });
    const next = account?.nextProfileKey;
    if (account === undefined || next === undefined || account.ended || account.deletion !== undefined) return;
    if (mustWait) return;
    await this.#parts.onRotating(account.profileKey, next, { signal: this.#ending.signal });
    // Nobody stores a profile under the old key in between.
    await profiles.inTurn(async () => {
      const profile = await profiles.storeUnder(next, { signal: this.#ending.signal });
      const told = await executor.run(['account'], (overlay) => this.#take(overlay, next, profile), { alone: true });
      await this.#parts.onRotated(told);
    });
  }

  /** Alone in its commit: no chat is accepted and nobody blocked between the look and the telling. */
  async #take(overlay: Overlay, next: Uint8Array, profile: OpenProfile): Promise<readonly ChatId[]> {
    const account = await overlay.get('account', {});
    if (account?.nextProfileKey === undefined || !sameBytes(account.nextProfileKey, next)) return [];
    if (account.ended || account.deletion !== undefined || (await isRevoking(overlay))) return [];
    const now = this.#parts.clock.now();
    const renewed = { ...account, profileKey: next, nextProfileKey: undefined };
    overlay.put('account', renewed);
    const self = await overlay.get('user', { id: account.userId });
    if (self) overlay.put('user', { ...self, profileKey: next, avatarHash: profile.avatarHash, updatedAt: now });
    const origin = { ...this.#parts.origin(), account: renewed };
    await tellOfAccount(overlay, () => origin, now);
    const told: ChatId[] = [];
    for (const userId of await this.#readers(account.userId)) {
      if (await hasBlocked(overlay, userId)) continue;
      // Every content has the key; this one has nothing else.
      addHiddenContent(overlay, origin, userId, {}, now);
      told.push(chatWith(userId));
    }
    return told;
  }

  /** Who had the key before and is to have the new one: accepted contacts, and members of this account's groups. */
  async #readers(self: UserId): Promise<ReadonlySet<UserId>> {
    const { queries } = this.#parts;
    const readers = new Set<UserId>();
    for (let below: number | undefined; ; ) {
      const page = await queries.chats(below, chatPage);
      for (const { accepted, userId } of page) if (accepted && userId !== undefined) readers.add(userId);
      const last = page.at(-1);
      if (last === undefined) break;
      below = last.activity;
    }
    const most = readers.size + mostMembers;
    for (let after: GroupId | undefined; ; ) {
      const groups = await queries.groups(after, groupPage);
      for (const { id } of groups.filter(({ standing }) => standing === 'member')) {
        const members = await queries.groupMembers(id);
        for (const { userId, leftAt } of members) {
          if (leftAt === undefined && userId !== self && readers.size < most) readers.add(userId);
        }
      }
      after = groups.at(-1)?.id;
      if (after === undefined) return readers;
    }
  }
}

/** Whether a list waits to be stored, or taken over, that takes a device off. */
async function isRevoking(overlay: Overlay): Promise<boolean> {
  return (await overlay.get('listIntent', {}))?.identityKeyPair !== undefined;
}
