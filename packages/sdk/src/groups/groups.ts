import { GroupChat, type GroupChatParts, settingsRules } from '../chats/group-chat.ts';
import { checkOptions, demand, demandId, given, type OptionRules, signalOnly } from '../option-rules.ts';
import type { GroupId } from '../ports/ids.ts';
import type { CallOptions } from '../transport/http-client.ts';
import { checkGroupAvatar } from './group-avatars.ts';
import { candidatesOf, type GroupPerson, idsOf } from './group-candidates.ts';
import type { GroupAccess } from './group-details.ts';
import { startOfGroup } from './group-head.ts';
import { groupIdOf, newWireId } from './group-id.ts';
import type { GroupInvitations } from './group-invitations.ts';
import { groupRulesVersion } from './group-limits.ts';
import type { GroupCandidate } from './group-member.ts';
import { inviteInvalid, titleInvalid } from './group-refusal.ts';
import { memberOf } from './group-state.ts';
import { isGroupTitle } from './group-title.ts';
import { type InviteLink, parseInviteLink } from './invite-link.ts';
import { joinProof } from './join-proof.ts';
import { ownListOf, stateOf } from './stored-group.ts';

/** What a group is made of. */
export interface CreateGroupOptions extends CallOptions {
  /** 1..25 characters. */
  readonly title: string;
  /** 1 byte to 1 MiB; without it the group has none. */
  readonly avatar?: Uint8Array;
  /** The others: at least one, at most 1,023. */
  readonly members: readonly GroupPerson[];
  /** Who adds members; `admins` when left out. */
  readonly add?: GroupAccess;
  /** Who changes title and avatar; `admins` when left out. */
  readonly edit?: GroupAccess;
}

/** What a link leads to. */
export interface GroupPreview {
  readonly title: string;
  /** SHA-256 of its avatar. `previewAvatar` gets it. */
  readonly avatar: Uint8Array | undefined;
  readonly members: number;
  /** Whether an admin has to approve whoever comes. */
  readonly approval: boolean;
}

/** What `Groups` works with. */
export interface GroupsParts extends GroupChatParts {
  readonly invitations: GroupInvitations;
}

const createRules: OptionRules<CreateGroupOptions> = {
  ...settingsRules,
  title: given.anything,
  avatar: given.bytes,
  members: given.anything,
};
const page = 100;

/** The groups of this account. After `stop` every call throws {SottoError} `client-stopped`. */
export class Groups {
  readonly #parts: GroupsParts;

  constructor(parts: GroupsParts) {
    this.#parts = parts;
  }

  /**
   * Makes a group, which this user owns, and tells its members. Resolves when the relay has it; offline it waits (with an avatar it fails: that is uploaded first), and an aborted signal ends the wait, not the group once it is written down.
   * @throws {SottoError} `title-invalid`, `avatar-too-large`, `argument-invalid`, `blocked`, `user-unknown`, `group-full`, `device-list-invalid`, `not-registered`, `session-ended`, `client-stopped`, and as AuthorizedClient
   */
  async create(options: CreateGroupOptions): Promise<GroupChat> {
    this.#parts.assertRunning();
    checkOptions('groups.create', options, createRules);
    const { title, avatar: picture, members: people, add = 'admins', edit = 'admins', signal } = options;
    if (typeof title !== 'string' || !isGroupTitle(title)) throw titleInvalid();
    if (picture !== undefined) checkGroupAvatar(picture);
    const { store, learnDevices, changes, avatars, origin } = this.#parts;
    const owner = this.#self();
    const others = idsOf('groups.create', people).filter((userId) => userId !== owner.userId);
    demand(others.length > 0, 'a group has others as members: give at least one');
    const members = await candidatesOf(others, store, learnDevices);
    const { randomness, sha256 } = origin();
    const wireId = newWireId(randomness);
    const groupId = groupIdOf(wireId, sha256);
    // Nobody knows of the group yet; its first record names the avatar.
    const avatar = picture && (await avatars.upload(wireId, picture, { signal }));
    const create = {
      type: 'create',
      rules: groupRulesVersion,
      title,
      avatar,
      settings: { add, edit },
      owner,
      members,
    } as const;
    const wish = { operations: [create], inviteKey: undefined };
    await changes.change(groupId, wish, { signal, start: startOfGroup(wireId) });
    return this.chatOf(groupId);
  }

  /** A group that this user is or was a member of; `undefined` when there is no such. @throws {SottoError} `argument-invalid` (no id at all) */
  async get(groupId: GroupId): Promise<GroupChat | undefined> {
    this.#parts.assertRunning();
    demandId('groups.get', groupId);
    const group = await this.#parts.store.get('group', { id: groupId });
    return group === undefined || group.standing === 'requested' ? undefined : this.chatOf(groupId);
  }

  /** All groups that this user is or was a member of, by their ids. */
  async list(): Promise<readonly GroupChat[]> {
    this.#parts.assertRunning();
    const found: GroupChat[] = [];
    for (let after: GroupId | undefined; ; ) {
      const groups = await this.#parts.store.groups(after, page);
      for (const { id, standing } of groups) if (standing !== 'requested') found.push(this.chatOf(id));
      after = groups.at(-1)?.id;
      if (groups.length < page) return found;
    }
  }

  /**
   * What a link leads to, without coming in.
   * @throws {SottoError} `invite-invalid`, and as AuthorizedClient
   */
  async preview(link: string, options: CallOptions = {}): Promise<GroupPreview> {
    this.#parts.assertRunning();
    checkOptions('groups.preview', options, signalOnly);
    const { at } = await this.#parts.invitations.look(readLink(link), options);
    const { title, avatar, members, invite } = at.state;
    return { title, avatar: avatar?.hash, members: members.length, approval: invite?.approval === true };
  }

  /**
   * The avatar of the group that a link leads to, without coming in; `undefined` when it has none.
   * @throws {SottoError} `invite-invalid`, `relay-misbehaved` (another avatar than the group's), `relay-refused` (`not-found`), and as AuthorizedClient
   */
  async previewAvatar(link: string, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    this.#parts.assertRunning();
    checkOptions('groups.previewAvatar', options, signalOnly);
    const read = readLink(link);
    const { at } = await this.#parts.invitations.look(read, options);
    return this.#parts.avatars.fetchBehind(read, at.state, options);
  }

  /**
   * Comes into a group by its link: the chat; or `requested`, when an admin has to approve. Then the chat is there, and `chat.created` told, once they do.
   * @throws {SottoError} `invite-invalid` (no link, or one that was closed), `invite-used`, `group-full`, `group-changed`, `not-registered`, `session-ended`, `client-stopped`, and as AuthorizedClient
   */
  async join(link: string, options: CallOptions = {}): Promise<GroupChat | 'requested'> {
    this.#parts.assertRunning();
    checkOptions('groups.join', options, signalOnly);
    const read = readLink(link);
    const { store, invitations, changes, origin } = this.#parts;
    const groupId = groupIdOf(read.wireId, origin().sha256);
    const known = await store.get('group', { id: groupId });
    if (known?.standing === 'member') return this.chatOf(groupId);
    const found = await invitations.look(read, options);
    const who = this.#self();
    if (memberOf(found.at.state, who.userId) !== undefined) {
      // Somebody has added this user, and their welcome is on its way.
      return 'requested';
    }
    await invitations.keep(found);
    const { state, head } = found.at;
    const proof = joinProof(read.inviteKey, state.wireId, who, head);
    const type = state.invite?.approval === true ? 'request-join' : 'join';
    const wish = { operations: [{ type, who, proof }], inviteKey: read.inviteKey } as const;
    try {
      await changes.change(groupId, wish, options);
    } catch (error) {
      await this.#forgetUnlessAsked(groupId);
      throw error;
    }
    const group = await store.get('group', { id: groupId });
    return group?.standing === 'member' ? this.chatOf(groupId) : 'requested';
  }

  /** A request that never reached the group leaves nothing; while the change is still on its way it stays. */
  async #forgetUnlessAsked(groupId: GroupId): Promise<void> {
    const { store, invitations } = this.#parts;
    if ((await store.get('groupIntent', { groupId })) !== undefined) return;
    const group = await store.get('group', { id: groupId });
    const asked = group && stateOf(group)?.requests.some(({ userId }) => userId === this.#self().userId);
    if (asked !== true) await invitations.forget(groupId);
  }

  /** This user, as others let them in. */
  #self(): GroupCandidate {
    const { account, sha256 } = this.#parts.origin();
    const { rootKey, version } = ownListOf(account, sha256);
    const { userId, profileKey } = account;
    return { userId, rootKey, deviceListVersion: version, profileKey };
  }

  /** The chat of a group, whether there is such a group or not. */
  chatOf(groupId: GroupId): GroupChat {
    this.#parts.assertRunning();
    return new GroupChat(groupId, this.#parts);
  }
}

function readLink(link: string): InviteLink {
  const read = typeof link === 'string' ? parseInviteLink(link) : undefined;
  if (read === undefined) throw inviteInvalid();
  return read;
}
