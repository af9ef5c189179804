import { endOfReplaced, endOfWaiting, mostAvatars } from '../group-avatar-terms.ts';

/** An avatar of a group as its group keeps it. */
export interface KeptAvatar {
  /** 32 bytes. */
  readonly location: Uint8Array;
  readonly addedAt: number;
  /** Undefined: it is current. */
  readonly until: number | undefined;
}

/** What becomes of an upload, and the list afterwards. */
export interface AvatarReservation {
  readonly status: 'reserved' | 'repeated' | 'used';
  readonly avatars: readonly KeptAvatar[];
}

/** Whether an avatar has not ended. */
export function isKept(avatar: KeptAvatar | undefined, at: number): boolean {
  return avatar !== undefined && (avatar.until === undefined || avatar.until > at);
}

/** What stands at a location, if anything does. */
export function avatarAt(avatars: readonly KeptAvatar[], location: Uint8Array): KeptAvatar | undefined {
  return avatars.find((avatar) => isAt(avatar, location));
}

/** Lets an upload in. */
export function reserved(avatars: readonly KeptAvatar[], location: Uint8Array, at: number): AvatarReservation {
  const there = avatarAt(avatars, location);
  if (there !== undefined) {
    if (!isKept(there, at)) return { status: 'used', avatars };
    const { until } = there;
    if (until === undefined) return { status: 'repeated', avatars };
    return { status: 'repeated', avatars: changed(avatars, there, { ...there, until: endOfWaiting(at, until) }) };
  }
  const kept = avatars.filter((avatar) => isKept(avatar, at)).sort((one, other) => one.addedAt - other.addedAt);
  const oldest = kept.length < mostAvatars ? undefined : kept.find(({ until }) => until !== undefined);
  const left = oldest === undefined ? avatars : changed(avatars, oldest, { ...oldest, until: at });
  return { status: 'reserved', avatars: [...left, { location, addedAt: at, until: endOfWaiting(at) }] };
}

/** The list once an append has said which one is current: what stands at the location, if something is kept there. */
export function named(avatars: readonly KeptAvatar[], location: Uint8Array | null, at: number): readonly KeptAvatar[] {
  return avatars.map((avatar) => {
    if (location !== null && isAt(avatar, location))
      return isKept(avatar, at) ? { ...avatar, until: undefined } : avatar;
    return avatar.until === undefined ? { ...avatar, until: endOfReplaced(at) } : avatar;
  });
}

/** The list when all of them end. */
export function allEnded(avatars: readonly KeptAvatar[], at: number): readonly KeptAvatar[] {
  return avatars.map((avatar) => (isKept(avatar, at) ? { ...avatar, until: at } : avatar));
}

/** Those of a list that end at a time at which they did not before. */
export function newlyEnding(before: readonly KeptAvatar[], after: readonly KeptAvatar[]): readonly KeptAvatar[] {
  return after.filter(
    (avatar) => avatar.until !== undefined && avatarAt(before, avatar.location)?.until !== avatar.until,
  );
}

const entryBytes = 48;
const current = -1;

/** As one value: location, time of the reservation and end (-1: current) of each, 48 bytes. `undefined` for an empty list. */
export function avatarsToBytes(avatars: readonly KeptAvatar[]): Buffer | undefined {
  if (avatars.length === 0) return undefined;
  const bytes = Buffer.alloc(avatars.length * entryBytes);
  for (const [at, { location, addedAt, until }] of avatars.entries()) {
    bytes.set(location.subarray(0, 32), at * entryBytes);
    bytes.writeBigInt64BE(BigInt(addedAt), at * entryBytes + 32);
    bytes.writeBigInt64BE(BigInt(until ?? current), at * entryBytes + 40);
  }
  return bytes;
}

/** The list that {@link avatarsToBytes} made. */
export function avatarsFromBytes(bytes: Buffer | null): readonly KeptAvatar[] {
  const avatars: KeptAvatar[] = [];
  for (let at = 0; at < (bytes?.length ?? 0); at += entryBytes) {
    const entry = bytes?.subarray(at, at + entryBytes) ?? Buffer.alloc(0);
    const until = Number(entry.readBigInt64BE(40));
    avatars.push({
      location: new Uint8Array(entry.subarray(0, 32)),
      addedAt: Number(entry.readBigInt64BE(32)),
      until: until === current ? undefined : until,
    });
  }
  return avatars;
}

function changed(avatars: readonly KeptAvatar[], one: KeptAvatar, other: KeptAvatar): readonly KeptAvatar[] {
  return avatars.map((avatar) => (avatar === one ? other : avatar));
}

function isAt(avatar: KeptAvatar, location: Uint8Array): boolean {
  return Buffer.compare(avatar.location, location) === 0;
}
