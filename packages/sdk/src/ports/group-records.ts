import type { DeviceId, GroupId, UserId } from './ids.ts';
import type { ChainCounter } from './key-records.ts';

/** What this account is in a group. `requested`: it has asked to join, and nobody has answered yet. */
export type GroupStanding = 'member' | 'left' | 'removed' | 'requested';

/** A state key that is missing here: the log goes on under it, and nothing of that can be read until a member gives it. */
export interface MissingGroupKey {
  readonly keyEpoch: number;
  /** 32 bytes: what the records under it commit to. */
  readonly keyCommitment: Uint8Array;
  readonly since: number;
  /** How many members were asked. */
  readonly asked: number;
  /** When to ask the next one. */
  readonly askAt: number;
}

/** Another course of a group than the one that was seen here. */
export interface GroupFork {
  readonly at: number;
  /** The member by whose word there is one; undefined when the relay itself shows it. */
  readonly by: UserId | undefined;
  /** The revision at which both differ. */
  readonly revision: number;
  /** Whether the user goes on all the same, with what the relay shows: a member's word is over when they do. */
  readonly accepted: boolean;
}

/** A group as far as its log is evaluated here (the study's table `group`). */
export interface GroupRecord {
  readonly id: GroupId;
  /** 32 bytes: what the relay knows it by. */
  readonly wireId: Uint8Array;
  /** At most 25 characters. */
  readonly title: string;
  /** Where the relay keeps the encrypted picture, base64url. */
  readonly avatar: string | undefined;
  /** Who made it. */
  readonly adminId: UserId;
  /** An encoded GroupState, with the members. */
  readonly state: Uint8Array;
  /** 32 bytes: commits to the log and the states up to `revision`. */
  readonly head: Uint8Array;
  readonly revision: number;
  /** The highest revision that anybody spoke of; the log is fetched while it is above `revision`. */
  readonly knownRevision: number;
  readonly standing: GroupStanding;
  /** Who has brought this user in, by a welcome; undefined for who made it, or came by a link. */
  readonly addedBy: UserId | undefined;
  /** Nothing is sent to it as long as there is one that the user has not accepted. Of several the first; the relay's before a member's. */
  readonly fork: GroupFork | undefined;
  /** The revision of the latest checkpoint that is known to stand on the relay; 0 = none. */
  readonly checkpointRevision: number;
  /** The key epoch that it is encrypted under; 0 = none. */
  readonly checkpointEpoch: number;
  readonly waitingFor: MissingGroupKey | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Somebody who is or was a member (the study's table `user_group`). */
export interface GroupMemberRecord {
  /** A UUID: the first 16 bytes of SHA-256("sotto group member v1" || the UUID of the group || the UUID of the user). */
  readonly id: string;
  readonly groupId: GroupId;
  readonly userId: UserId;
  /** The revision that let them in, the last time. */
  readonly joinedAt: number;
  /** The revision that they are no member from. */
  readonly leftAt: number | undefined;
  /** When that was learnt, by this device's clock: messages from before are let in for a while. */
  readonly leftSeenAt: number | undefined;
  /** What they say of the course of the group up to this revision is passed over: the user went on in spite of it. 0 = nothing. */
  readonly passedUpTo: number;
  /** Since when the relay says that they have no account any more: nothing proves it. */
  readonly goneAt: number | undefined;
}

/** A key to the states of a group. */
export interface GroupKeyRecord {
  readonly groupId: GroupId;
  /** Counts from 1. */
  readonly keyEpoch: number;
  /** 32 bytes, from the key: a wrong key for an epoch stands in nobody's way. */
  readonly keyCommitment: Uint8Array;
  /** 32 bytes. Secret. */
  readonly key: Uint8Array;
  /** Whether a change under it was evaluated: then it is the epoch's key. */
  readonly evaluated: boolean;
}

/** What the log and the states of a group came to at a revision. The newest 1,024 of each group are kept. */
export interface GroupHeadRecord {
  readonly groupId: GroupId;
  readonly revision: number;
  /** 32 bytes. */
  readonly head: Uint8Array;
  /** The member by whose word alone it is known; undefined once the log was evaluated. */
  readonly saidBy: UserId | undefined;
}

/** An own change of a group that is on its way to the relay: committed before it is asked, so that it is finished after a crash. One a group. */
export interface GroupIntentRecord {
  readonly groupId: GroupId;
  /** An encoded GroupChange with the operations that were wished for: they are made again on a newer state when another change came first. */
  readonly operations: Uint8Array;
  /** The encoded record as it is sent. */
  readonly record: Uint8Array;
  readonly revision: number;
  readonly keyEpoch: number;
  /** 32 bytes, when the record stands under a new key. Secret. */
  readonly key: Uint8Array | undefined;
  /** The rows of the outbox by which the others who stay are given that key. */
  readonly keyRows: readonly number[];
  /** Who gets a welcome once it is accepted. */
  readonly welcomed: readonly UserId[];
  /** Whom the relay is to let in, and to shut out. */
  readonly added: readonly UserId[];
  readonly removed: readonly UserId[];
  /** When it opens or closes the group by link, the key of the link. Secret. */
  readonly inviteKey: Uint8Array | undefined;
  readonly createdAt: number;
}

/** The chain of keys that a device sends to a group under, an own one or another's, as libsignal keeps it. */
export interface SenderKeyRecord {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** A UUID. */
  readonly distributionId: string;
  readonly groupId: GroupId;
  /** libsignal's serialised record. Secret. */
  readonly record: Uint8Array;
  /** The latest chains, newest last: what the precheck measures a jump against. `ratchetKey` holds the id of the chain, as text. */
  readonly chains: readonly ChainCounter[];
  readonly createdAt: number;
}

/** The chain that this device sends to a group under. Another one takes its place whenever a member leaves, and from time to time. */
export interface OwnChainRecord {
  readonly groupId: GroupId;
  /** A UUID. */
  readonly distributionId: string;
  readonly createdAt: number;
  /** How many messages were sent under it. */
  readonly messages: number;
}

/** A device that an own chain was given to. Goes by a `prune` when the chain is given up. */
export interface SenderKeySharedRecord {
  /** A UUID. */
  readonly distributionId: string;
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** Under another one it is another device, which has nothing. */
  readonly registrationId: number;
  readonly at: number;
  /** It may have got lost: it is given once more with the next message, and counts as known to this device all the same. */
  readonly again: boolean;
}
