import { checkAvatar } from '../accounts/sealed-profile.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { demand } from '../option-rules.ts';
import type { GroupId } from '../ports/ids.ts';
import type { Store } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import { requestGroupAvatar, requestInvitedAvatar, storeGroupAvatar } from '../transport/group-avatar-calls.ts';
import type { AuthorizedClient, CallOptions } from '../transport/http-client.ts';
import { mayEditGroup } from './detail-operations.ts';
import type { GroupAvatar } from './group-details.ts';
import { groupNotAllowed, groupNotMember, groupUnknown, groupWaits } from './group-refusal.ts';
import { type GroupState, memberOf } from './group-state.ts';
import { type InviteLink, inviteToken } from './invite-link.ts';
import { openGroupAvatar, sealGroupAvatar } from './sealed-avatar.ts';
import { stateOf } from './stored-group.ts';

/** What `GroupAvatars` works with. */
export interface GroupAvatarsParts {
  readonly store: Store;
  readonly http: AuthorizedClient;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  /** The relay does not count this account among the members: whether it does now. */
  readonly letSelfIn: (groupId: GroupId) => Promise<boolean>;
  /** Whether this user was most likely removed from a group that waits for a key. */
  readonly isLikelyOut: (groupId: GroupId) => Promise<boolean>;
}

/** Pictures of groups, which the relay has only encrypted. Nothing of them is kept here but what the state says. */
export class GroupAvatars {
  private readonly parts: GroupAvatarsParts;

  constructor(parts: GroupAvatarsParts) {
    this.parts = parts;
  }

  /**
   * Uploads an avatar for a group, for a change to name. When none does, the relay forgets it.
   * @throws {SottoError} `argument-invalid`, `avatar-too-large`, and as AuthorizedClient
   */
  async upload(wireId: Uint8Array, bytes: Uint8Array, options: CallOptions = {}): Promise<GroupAvatar> {
    checkGroupAvatar(bytes);
    const { avatar, sealed } = sealGroupAvatar(bytes, wireId, this.parts.origin());
    await storeGroupAvatar(this.parts.http, { wireId, location: avatar.location }, sealed, options);
    return avatar;
  }

  /**
   * The same for a group that is there, if this user may set its avatar as far as is known here: the relay is not asked in vain.
   * @throws {SottoError} `argument-invalid`, `avatar-too-large`, `group-unknown`, `group-not-member`, `group-not-allowed`, `group-changed` (the newest state can't be read yet), and as AuthorizedClient
   */
  async uploadFor(groupId: GroupId, bytes: Uint8Array, options: CallOptions = {}): Promise<GroupAvatar> {
    checkGroupAvatar(bytes);
    const state = await this.stateOfMember(groupId);
    // No change can be made yet: what was uploaded for it would be in vain.
    if (await this.waits(groupId)) throw (await this.parts.isLikelyOut(groupId)) ? groupNotMember() : groupWaits();
    if (!mayEditGroup(state, memberOf(state, this.parts.origin().account.userId))) throw groupNotAllowed();
    return this.asMember(groupId, () => this.upload(state.wireId, bytes, options));
  }

  /**
   * The avatar of a group, as its state here names it; `undefined` when it has none.
   * @throws {SottoError} `group-unknown`, `group-not-member`, `relay-misbehaved` (another avatar than the group's), `relay-refused` (`not-found`), and as AuthorizedClient
   */
  async fetch(groupId: GroupId, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    const { wireId, avatar } = await this.stateOfMember(groupId);
    if (avatar === undefined) return undefined;
    const { http, origin } = this.parts;
    const place = { wireId, location: avatar.location };
    const sealed = await this.asMember(groupId, () => requestGroupAvatar(http, place, options));
    return openGroupAvatar(sealed, avatar, wireId, origin().sha256);
  }

  /**
   * The avatar of the group that a link leads to, as its state names it; `undefined` when it has none.
   * @throws {SottoError} `relay-misbehaved` (another avatar than the group's), `relay-refused` (`not-found`), and as AuthorizedClient
   */
  async fetchBehind(link: InviteLink, state: GroupState, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    const { wireId, avatar } = state;
    if (avatar === undefined) return undefined;
    const { http, origin } = this.parts;
    const place = { wireId, location: avatar.location };
    const sealed = await requestInvitedAvatar(http, place, inviteToken(link), options);
    return openGroupAvatar(sealed, avatar, wireId, origin().sha256);
  }

  private async stateOfMember(groupId: GroupId): Promise<GroupState> {
    const group = await this.parts.store.get('group', { id: groupId });
    if (group === undefined) throw groupUnknown();
    const state = group.standing === 'member' ? stateOf(group) : undefined;
    if (state === undefined) throw groupNotMember();
    return state;
  }

  /** Whom the relay does not count among the members, though they are, lets themselves in and asks again. */
  private async asMember<T>(groupId: GroupId, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof SottoError) || error.code !== 'group-unknown') throw error;
      if (!(await this.parts.letSelfIn(groupId))) throw groupNotMember(error);
      return ask();
    }
  }

  private async waits(groupId: GroupId): Promise<boolean> {
    return (await this.parts.store.get('group', { id: groupId }))?.waitingFor !== undefined;
  }
}

/**
 * Checks an avatar for a group.
 * @throws {SottoError} `argument-invalid`, `avatar-too-large`
 */
export function checkGroupAvatar(bytes: Uint8Array): void {
  demand(bytes instanceof Uint8Array && bytes.length > 0, 'an avatar is a Uint8Array with at least one byte');
  checkAvatar(bytes);
}
