import type { GroupAvatars } from '../groups/group-avatars.ts';
import { candidatesOf, type GroupPerson, idOf, idsOf } from '../groups/group-candidates.ts';
import type { GroupChanges } from '../groups/group-changes.ts';
import type { GroupAccess, GroupSettings } from '../groups/group-details.ts';
import { acceptFork, isSendingStopped } from '../groups/group-fork.ts';
import type { GroupInfo } from '../groups/group-info.ts';
import { groupBytes } from '../groups/group-limits.ts';
import { groupLock } from '../groups/group-lock.ts';
import type { GroupOperation } from '../groups/group-operation.ts';
import { groupNotMember, groupUnknown, titleInvalid } from '../groups/group-refusal.ts';
import { memberOf } from '../groups/group-state.ts';
import { isGroupTitle } from '../groups/group-title.ts';
import { formatInviteLink } from '../groups/invite-link.ts';
import { isPresumedOut, stateOf } from '../groups/stored-group.ts';
import type { Message } from '../messages/message.ts';
import type { MessageProgress } from '../messages/message-progress.ts';
import { checkOptions, demand, given, type OptionRules, signalOnly } from '../option-rules.ts';
import { addOverdueInGroup } from '../outbox/overdue-receipts.ts';
import { type Report, type ReportHook, type ReportOptions, report } from '../people/report.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { ChatId, GroupId, UserId } from '../ports/ids.ts';
import { ownQueue, tellOfChat } from '../sync/own-sync.ts';
import type { CallOptions } from '../transport/http-client.ts';
import { type MutedUntil, muteChat, type SettingsOf, setChatReceipts } from './chat-settings.ts';
import { chatLock, chatOfGroup, chatWith, openGroupChat } from './chat-state.ts';
import {
  Conversation,
  type ConversationParts,
  type HistoryOptions,
  type HistoryPage,
  type SendOptions,
} from './conversation.ts';
import { outgoingToGroup } from './group-outgoing.ts';

/** What the chat of a group works with. */
export interface GroupChatParts extends ConversationParts {
  readonly changes: Pick<GroupChanges, 'change'>;
  readonly avatars: Pick<GroupAvatars, 'upload' | 'uploadFor' | 'fetch' | 'fetchBehind'>;
  /** Takes the device list of somebody over, over the network. */
  readonly learnDevices: (userId: UserId) => Promise<void>;
  /** Takes reports, if the app does. */
  readonly onReport: ReportHook | undefined;
}

/** What members may do that are no admins; what is left out stays. */
export interface GroupSettingsChange extends CallOptions {
  /** Who adds members. */
  readonly add?: GroupAccess;
  /** Who changes title and avatar. */
  readonly edit?: GroupAccess;
}

/** How a group is opened by a link. */
export interface OpenInviteOptions extends CallOptions {
  /** Whether an admin has to approve whoever comes; false when left out. */
  readonly approval?: boolean;
}

const access = {
  fits: (who: unknown) => who === 'admins' || who === 'members',
  says: 'admins or members',
};

/** The rules of settings. */
export const settingsRules: OptionRules<GroupSettingsChange> = { add: access, edit: access, signal: given.signal };
const inviteRules: OptionRules<OpenInviteOptions> = { approval: given.flag, signal: given.signal };

/**
 * The conversation of a group, and the group itself. A light handle: it holds no state.
 *
 * Calls that change the group resolve when the relay has taken the change. Offline they wait; an aborted `signal` ends the wait, and not the change once it is written down: the client finishes it, also after it was stopped. All of them throw {SottoError} `group-unknown`, `group-not-member`, `group-not-allowed` (this user's role does not allow it), `group-changed` (somebody else was faster, and it makes no sense any more), `group-forked` (the relay shows another log; a member's word alone stops no change), `not-registered`, `session-ended`, `client-stopped`, and those of the relay's answer.
 */
export class GroupChat {
  readonly type = 'group';
  readonly id: ChatId;
  readonly groupId: GroupId;
  readonly #parts: GroupChatParts;
  readonly #conversation: Conversation;

  constructor(groupId: GroupId, parts: GroupChatParts) {
    this.id = chatOfGroup(groupId);
    this.groupId = groupId;
    this.#parts = parts;
    this.#conversation = new Conversation(this.id, parts);
  }

  /**
   * Sends a text to all members. Resolves when the message is in the store (`queued`), connected or not; it goes to whoever is a member when it leaves.
   * @throws {SottoError} `text-empty`, `text-too-long` (over 65,536 bytes of UTF-8), `text-malformed`, `argument-invalid`, `group-unknown`, `group-not-member`, `group-forked`, `not-registered`, `session-ended`, and the store's
   */
  async send(text: string, options: SendOptions = {}): Promise<Message> {
    const told: UserId[] = [];
    const outgoing = outgoingToGroup(this.groupId, this.#parts, (authors) => told.push(...authors));
    const message = await this.#conversation.send(text, options, outgoing);
    for (const author of told) this.#parts.outbox.wake(chatWith(author));
    return message;
  }

  /**
   * A page of the history: the latest, or those before or after a cursor.
   * @throws {SottoError} `cursor-invalid`, `argument-invalid`
   */
  history(options: HistoryOptions = {}): Promise<HistoryPage> {
    return this.#conversation.history(options);
  }

  /**
   * How far an own message is: for how many it is, how many have it and have read it, and who they are.
   * @throws {SottoError} `message-unknown`
   */
  progress(message: Pick<Message, 'id'>): Promise<MessageProgress> {
    return this.#conversation.progress(message);
  }

  /**
   * Marks everything up to a message as read, and tells its authors if this user has accepted the chat and receipts are on.
   * @throws {SottoError} `message-unknown`
   */
  markRead(message: Pick<Message, 'id'>): Promise<void> {
    return this.#conversation.markRead(message);
  }

  /**
   * The group as it is known here now.
   * @throws {SottoError} `group-unknown`, `client-stopped`
   */
  async info(): Promise<GroupInfo> {
    this.#parts.assertRunning();
    const group = await this.#record();
    const state = stateOf(group);
    const self = this.#parts.origin().account.userId;
    const nameOf = async (userId: UserId) => (await this.#parts.store.get('user', { id: userId }))?.username ?? '';
    const isOut = isPresumedOut(group, self);
    const shown = (state?.members ?? []).filter(({ userId }) => !isOut || userId !== self);
    const rows = new Map((await this.#parts.store.groupMembers(this.groupId)).map((row) => [row.userId, row]));
    const members = shown.map(async ({ userId, role, joinedAtRevision }) => ({
      userId,
      role,
      username: await nameOf(userId),
      joinedAtRevision,
      accountGone: rows.get(userId)?.goneAt !== undefined,
    }));
    const requests = (state?.requests ?? []).map(async ({ userId }) => ({ userId, username: await nameOf(userId) }));
    const { wireId, title, revision, standing, waitingFor, fork } = group;
    const isMember = standing === 'member';
    const invite = isMember ? state?.invite : undefined;
    return {
      title,
      avatar: state?.avatar?.hash,
      revision,
      members: await Promise.all(members),
      role: isMember && state ? memberOf(state, self)?.role : undefined,
      settings: state?.settings ?? { add: 'admins', edit: 'admins' },
      invite: invite && { link: formatInviteLink({ wireId, inviteKey: invite.key }), approval: invite.approval },
      requests: await Promise.all(requests),
      standing,
      waiting: waitingFor !== undefined,
      forked: isSendingStopped(group),
      fork: fork && { by: fork.by, revision: fork.revision, since: fork.at, accepted: fork.accepted },
    };
  }

  /**
   * Adds people; who is a member already stays one.
   * @throws {SottoError} `argument-invalid`, `blocked` (this user has blocked one of them), `user-unknown`, `group-full`, and as every change
   */
  async add(people: readonly GroupPerson[], options: CallOptions = {}): Promise<void> {
    this.#check('add', options);
    const userIds = idsOf('add', people);
    const { store, learnDevices } = this.#parts;
    const group = await this.#record();
    if (group.standing !== 'member') throw groupNotMember();
    const state = stateOf(group);
    const missing = userIds.filter((userId) => state === undefined || memberOf(state, userId) === undefined);
    if (missing.length === 0) return;
    const members = await candidatesOf(missing, store, learnDevices);
    await this.#change({ type: 'add-members', members }, options);
  }

  /**
   * Removes people: they read nothing of what is sent from then on, and the link ends. Of those who are no members nothing happens.
   * @throws {SottoError} `argument-invalid` (nobody, or oneself: `leave`), and as every change
   */
  async remove(people: readonly GroupPerson[], options: CallOptions = {}): Promise<void> {
    this.#check('remove', options);
    const userIds = [...idsOf('remove', people)].sort();
    demand(!userIds.includes(this.#parts.origin().account.userId), 'remove takes others: call leave() to leave');
    if (userIds.length > 0) await this.#change({ type: 'remove-members', userIds }, options);
  }

  /** Leaves. After the owner the admin who came first owns the group, else the member. The history stays. */
  async leave(options: CallOptions = {}): Promise<void> {
    this.#check('leave', options);
    // What was written before must not wait until it can't leave.
    this.#parts.outbox.hasten(this.id);
    await this.#change({ type: 'leave' }, options);
  }

  /**
   * Makes a member an admin, or an admin a member.
   * @throws {SottoError} `argument-invalid`, and as every change
   */
  async setRole(person: GroupPerson, role: 'member' | 'admin', options: CallOptions = {}): Promise<void> {
    this.#check('setRole', options);
    const userId = idOf('setRole', person);
    demand(role === 'member' || role === 'admin', 'a role is member or admin: the owner gives the group away');
    await this.#change({ type: 'set-role', userId, role }, options);
  }

  /** Gives the group to another member; this user, its owner, becomes an admin. @throws {SottoError} `argument-invalid`, and as every change */
  async transferOwnership(person: GroupPerson, options: CallOptions = {}): Promise<void> {
    this.#check('transferOwnership', options);
    const userId = idOf('transferOwnership', person);
    await this.#change({ type: 'transfer-ownership', userId }, options);
  }

  /** @throws {SottoError} `title-invalid` (1 to 25 characters), and as every change */
  async setTitle(title: string, options: CallOptions = {}): Promise<void> {
    this.#check('setTitle', options);
    if (typeof title !== 'string' || !isGroupTitle(title)) throw titleInvalid();
    await this.#change({ type: 'set-title', title }, options);
  }

  /**
   * Gives the group another avatar, or none. It is uploaded first, for which the relay has to be reached now; then it is a change as every other.
   * @param avatar 1 byte to 1 MiB; undefined: none from now on
   * @throws {SottoError} `argument-invalid`, `avatar-too-large`, and as every change
   */
  async setAvatar(avatar: Uint8Array | undefined, options: CallOptions = {}): Promise<void> {
    this.#check('setAvatar', options);
    const uploaded = avatar && (await this.#parts.avatars.uploadFor(this.groupId, avatar, options));
    await this.#change({ type: 'set-avatar', avatar: uploaded }, options);
  }

  /**
   * Reads the avatar, as the group that is known here has it; `undefined` when it has none. It is asked of the relay each time.
   * @throws {SottoError} `argument-invalid`, `group-unknown`, `group-not-member`, `relay-misbehaved` (another avatar than the group's), `relay-refused` (`not-found`), and as AuthorizedClient
   */
  async fetchAvatar(options: CallOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('fetchAvatar', options);
    return this.#parts.avatars.fetch(this.groupId, options);
  }

  /** Says who adds members, and who changes title and avatar. @throws {SottoError} `argument-invalid`, and as every change */
  async setSettings(change: GroupSettingsChange): Promise<void> {
    this.#parts.assertRunning();
    checkOptions('setSettings', change, settingsRules);
    const known = stateOf(await this.#record())?.settings;
    const settings: GroupSettings = {
      add: change.add ?? known?.add ?? 'admins',
      edit: change.edit ?? known?.edit ?? 'admins',
    };
    await this.#change({ type: 'set-settings', settings }, change);
  }

  /**
   * Opens the group to whoever has a link; the one before, if there is one, ends. It ends by itself when a member is removed.
   * @returns the link: who has it can come in, so it is to be shown to nobody else
   * @throws {SottoError} `argument-invalid`, and as every change
   */
  async openInvite(options: OpenInviteOptions = {}): Promise<string> {
    this.#parts.assertRunning();
    checkOptions('openInvite', options, inviteRules);
    const { randomness } = this.#parts.origin();
    const key = randomness.bytes(groupBytes.key);
    const invite = { id: randomness.bytes(groupBytes.inviteId), key, approval: options.approval ?? false };
    await this.#change({ type: 'set-invite', invite }, options);
    const { wireId } = await this.#record();
    return formatInviteLink({ wireId, inviteKey: key });
  }

  /** Ends the link. Harmless when there is none. */
  async closeInvite(options: CallOptions = {}): Promise<void> {
    this.#check('closeInvite', options);
    await this.#change({ type: 'revoke-invite' }, options);
  }

  /** Lets somebody in who asks to come in: one of the `requests` of `info`, of whom `group.requested` tells. @throws {SottoError} `argument-invalid`, `group-full`, and as every change */
  async approveRequest(person: GroupPerson, options: CallOptions = {}): Promise<void> {
    this.#check('approveRequest', options);
    const userId = idOf('approveRequest', person);
    await this.#change({ type: 'approve', userId }, options);
  }

  /** Turns somebody away who asks to come in. They may ask again by another link. @throws {SottoError} `argument-invalid`, and as every change */
  async declineRequest(person: GroupPerson, options: CallOptions = {}): Promise<void> {
    this.#check('declineRequest', options);
    const userId = idOf('declineRequest', person);
    await this.#change({ type: 'decline', userId }, options);
  }

  /** Lets a group into which a stranger has brought this user be as one that they chose: receipts are sent, also for what came before. Writing into it accepts it, too. */
  async accept(): Promise<void> {
    this.#parts.assertRunning();
    const told = await this.#parts.executor.run([chatLock(this.id)], async (overlay) => {
      const chat = await openGroupChat(overlay, this.groupId, this.#parts.clock.now());
      if (chat.accepted) return [];
      const accepted = { ...chat, accepted: true };
      overlay.put('chat', accepted);
      overlay.record({ type: 'chat.changed', chatId: this.id });
      await tellOfChat(overlay, this.#parts.origin, accepted, this.#parts.clock.now());
      return addOverdueInGroup(overlay, this.#parts, this.groupId, this.#parts.clock.now());
    });
    for (const author of told) this.#parts.outbox.wake(chatWith(author));
    this.#parts.outbox.wake(ownQueue(this.#parts.origin().account));
  }

  /**
   * Goes on though somebody says, or the relay shows, that the group is another one than it is here (`group.forked`): what waits leaves, to the members of `info()`. Harmless when there is nothing of that kind.
   *
   * It is like accepting a new identity key: ask the others by another way before, since messages may go to people whom they have removed, or not to all whom they have added. What that member says of the group as it is now stops it no more; a later word does. Whoever says false things is better removed, which ends it, too.
   * @throws {SottoError} `group-unknown`, `client-stopped`
   */
  async acceptFork(): Promise<void> {
    this.#parts.assertRunning();
    await this.#parts.executor.run([groupLock(this.groupId)], async (overlay) => {
      const group = await overlay.get('group', { id: this.groupId });
      if (group === undefined) throw groupUnknown();
      await acceptFork(overlay, group, this.#parts.clock.now());
    });
    this.#parts.outbox.wake(this.id);
  }

  /**
   * Mutes it until a time, for ever, or no more (`undefined`). Events of it come as before: showing them is the app's.
   * @throws {SottoError} `argument-invalid`
   */
  async mute(until: MutedUntil | undefined): Promise<void> {
    this.#parts.assertRunning();
    return muteChat(this.#parts, this.#settings(), until);
  }

  /**
   * Says whether authors are told that their messages here came and were read; `undefined`: as the client says.
   * @throws {SottoError} `argument-invalid`
   */
  async setReceipts(receipts: boolean | undefined): Promise<void> {
    this.#parts.assertRunning();
    return setChatReceipts(this.#parts, this.#settings(), receipts);
  }

  /**
   * Hands what moderation needs to know of somebody who wrote here to the `onReport` of `Client.open`: their last five messages in this group, or those given. Nothing goes to the relay, nor to any member.
   * @throws {SottoError} `argument-invalid` (also without `onReport`), `message-unknown` (none of theirs in this group), `not-registered`, `session-ended`; and what `onReport` throws
   */
  async report(person: GroupPerson, options: ReportOptions = {}): Promise<Report> {
    this.#parts.assertRunning();
    const userId = idOf('report', person);
    return report(this.#parts, { userId, chatId: this.id, groupId: this.groupId }, options);
  }

  #settings(): SettingsOf {
    return { id: this.id, open: (overlay, now) => openGroupChat(overlay, this.groupId, now) };
  }

  #change(operation: GroupOperation, { signal }: CallOptions): Promise<void> {
    return this.#parts.changes.change(this.groupId, { operations: [operation], inviteKey: undefined }, { signal });
  }

  #check(call: string, options: CallOptions): void {
    this.#parts.assertRunning();
    checkOptions(call, options, signalOnly);
  }

  async #record(): Promise<GroupRecord> {
    const group = await this.#parts.store.get('group', { id: this.groupId });
    if (group === undefined) throw groupUnknown();
    return group;
  }
}
