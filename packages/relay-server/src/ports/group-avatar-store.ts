import type { GroupReader } from './group-store.ts';
import type { GroupId, UserId } from './ids.ts';

/** Where an encrypted avatar of a group stands: whoever uploads it has chosen the location at random. */
export interface GroupAvatarPlace {
  readonly groupId: GroupId;
  /** 32 bytes. */
  readonly location: Uint8Array;
}

/** An avatar that somebody is about to store. */
export interface GroupAvatarUpload extends GroupAvatarPlace {
  readonly actor: UserId;
  /** By the relay's clock. */
  readonly at: number;
}

/**
 * `reserved`: nothing stood there. `repeated`: an upload was let in there before; its bytes may be there.
 * `used`: what stood there has had its time. `unknown`: the actor is no member of the group. But for the first, nothing is written that matters to others.
 */
export type GroupAvatarReservation = 'reserved' | 'repeated' | 'used' | 'unknown';

/**
 * Which avatars of groups are stored, and until when: a list of what may be in the blob store, written before anything is put there, so that neither a crash nor an upload under way leaves bytes that nobody knows of.
 *
 * Which one is current is said by appends (`GroupAppend.avatar`, of `GroupStore`), in the step of the append. The current one stays without an end. One that no append has named ends after two days; one that was current, 31 days after it was replaced, for members who are behind; also when nobody is a member any more. When the last account ends that was ever a member, all of a group's end.
 * A group has at most eight at a time: one more ends the oldest that is not current. What has ended is read by nobody, and due ten minutes later, when no upload of it is under way.
 * A group that is not there yet may be given one by anybody, for its first record to name.
 */
export interface GroupAvatarStore {
  /** Lets an upload in. Durable when it resolves. Letting one in again gives it two days from then, if it had less. */
  reserve(upload: GroupAvatarUpload): Promise<GroupAvatarReservation>;
  /** Whether somebody may read what stands there: members of now, as long as it has not ended. */
  mayRead(place: GroupAvatarPlace, reader: GroupReader): Promise<boolean>;
  /** The same for whoever has the token of the invite that is open, by its SHA-256. */
  mayReadInvited(place: GroupAvatarPlace, tokenHash: Uint8Array, at: number): Promise<boolean>;
  /** Those that are to be deleted, 256 at most, the longest ended ones first. */
  due(now: number): Promise<readonly GroupAvatarPlace[]>;
  /** Forgets these, whose bytes are gone. */
  swept(places: readonly GroupAvatarPlace[]): Promise<void>;
}
