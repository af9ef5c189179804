import type { GroupStanding } from '../ports/group-records.ts';
import type { UserId } from '../ports/ids.ts';
import type { GroupSettings } from './group-details.ts';
import type { GroupRole } from './group-member.ts';

/** A member, as others see them. `people.get` knows more of them, and whoever has left. */
export interface GroupMemberInfo {
  readonly userId: UserId;
  readonly role: GroupRole;
  /** From their profile; empty until it is known. */
  readonly username: string;
  readonly joinedAtRevision: number;
  /** The relay says that they have no account any more. Nothing proves it, so nobody is removed by it: an admin may. */
  readonly accountGone: boolean;
}

/** Another course of a group than the one that is known here. */
export interface GroupForkInfo {
  /** The member who says so: they, or the relay at them or here, do not tell the truth. Undefined when the relay itself shows it here. */
  readonly by: UserId | undefined;
  /** The revision at which both differ. */
  readonly revision: number;
  readonly since: number;
  readonly accepted: boolean;
}

/** Somebody who asks to come in. */
export interface GroupRequestInfo {
  readonly userId: UserId;
  /** From their profile; empty until it is known. */
  readonly username: string;
}

/** A group as it is known here. */
export interface GroupInfo {
  readonly title: string;
  /** SHA-256 of its avatar: another one is another avatar. `fetchAvatar` gets it. */
  readonly avatar: Uint8Array | undefined;
  /** Grows with each change of anybody. */
  readonly revision: number;
  /** In the order of their ids; of a group that this user is out of as it was last seen. */
  readonly members: readonly GroupMemberInfo[];
  /** This user's; undefined when they are no member. */
  readonly role: GroupRole | undefined;
  readonly settings: GroupSettings;
  /** The link by which others come in, if there is one. Who has it can come in. */
  readonly invite: { readonly link: string; readonly approval: boolean } | undefined;
  /** Who asks to come in: `approveRequest` or `declineRequest` answers. */
  readonly requests: readonly GroupRequestInfo[];
  /** `requested`: this user has asked to come in, and nobody has answered yet. */
  readonly standing: GroupStanding;
  /** What has become of it since can't be read yet: members are asked for the key. */
  readonly waiting: boolean;
  /** Members do not see the same group: nothing is sent into it, until that is settled or the user accepts it (`acceptFork`). */
  readonly forked: boolean;
  /** What is known of that. An accepted one, which stands in nobody's way, is here as long as the relay shows it. */
  readonly fork: GroupForkInfo | undefined;
}
