import { chatWith } from '../chats/chat-state.ts';
import { isVerified } from '../crypto/identity-trust.ts';
import { demandId } from '../option-rules.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import type { Store } from '../ports/store.ts';

/** Somebody, as far as this device knows them. */
export interface Person {
  readonly userId: UserId;
  /** Whether it is this user, on whichever device. */
  readonly self: boolean;
  /** From their profile; empty until it is known. */
  readonly username: string;
  /** E.164; empty when only the id is known. */
  readonly number: string;
  /** SHA-256 of their avatar: another one is another avatar. `profile.fetchAvatar` gets it. */
  readonly avatar: Uint8Array | undefined;
  /** Whether this user has looked them up, written to them or accepted their chat. */
  readonly contact: boolean;
  /** Whether this user has blocked them. */
  readonly blocked: boolean;
  /** Whether this user has said that the safety number is right, and no other identity key has come since. */
  readonly verified: boolean;
  /** The groups that both are members of now, by their ids. */
  readonly groups: readonly GroupId[];
  /** The relay says of a group that they are in that they have no account any more. Nothing proves it. */
  readonly accountGone: boolean;
}

/** What `People` works with. */
export interface PeopleParts {
  readonly store: Pick<Store, 'get' | 'groupsWith'>;
  /** @throws {SottoError} `client-stopped` */
  readonly assertRunning: () => void;
}

/** The people whom this device knows: who has a chat with this user, is or was in a group with them, or was looked up. */
export class People {
  readonly #parts: PeopleParts;

  constructor(parts: PeopleParts) {
    this.#parts = parts;
  }

  /**
   * Who somebody is whom a message, an event, a chat or a group names, this user among them; also who has left or was removed, whose messages stand in the history. `undefined` for somebody of whom nothing is known here.
   *
   * It asks nobody: a name that is not known yet is learned in the background, and `profile.changed` tells of it.
   * @throws {SottoError} `argument-invalid` (no id at all), `client-stopped`, and the store's
   */
  async get(userId: UserId): Promise<Person | undefined> {
    this.#parts.assertRunning();
    demandId('people.get', userId);
    const { store } = this.#parts;
    const [account, user, chat, identity, places] = await Promise.all([
      store.get('account', {}),
      store.get('user', { id: userId }),
      store.get('chat', { id: chatWith(userId) }),
      store.get('identity', { userId }),
      store.groupsWith(userId),
    ]);
    // A UUID of a group is nobody's.
    const isMet = chat?.userId !== undefined || identity !== undefined || places.length > 0;
    const own = account?.userId === userId ? account : undefined;
    if (own === undefined && user === undefined && !isMet) return undefined;
    const now = places.filter(({ leftAt }) => leftAt === undefined);
    return {
      userId,
      self: own !== undefined,
      username: (own ?? user)?.username ?? '',
      number: (own ?? user)?.number ?? '',
      avatar: user?.avatarHash,
      contact: own === undefined && chat?.accepted === true,
      blocked: user?.blockedAt !== undefined,
      verified: own === undefined && isVerified(identity),
      groups: await this.#ownGroups(now.map(({ groupId }) => groupId)),
      accountGone: now.some(({ goneAt }) => goneAt !== undefined),
    };
  }

  /** Those of them that this user is a member of. */
  async #ownGroups(groupIds: readonly GroupId[]): Promise<readonly GroupId[]> {
    const groups = await Promise.all(groupIds.map((id) => this.#parts.store.get('group', { id })));
    return groups.flatMap((group) => (group?.standing === 'member' ? [group.id] : []));
  }
}
