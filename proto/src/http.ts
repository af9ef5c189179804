/**
 * The bodies of the HTTP interface, `/v1`: what both sides compile against.
 *
 * Bytes are unpadded base64url, times milliseconds since the Unix epoch by the relay's clock, durations milliseconds, ids UUIDs.
 * `docs/protocol.md` gives methods, paths and errors.
 */

/** The body of every answer whose status is 400 or more. */
export interface ErrorBody {
  readonly error: {
    /** Stable, lower-case, dashed. */
    readonly code: string;
    /** What to do next, in English. Never holds what was sent. */
    readonly message: string;
    readonly retryable: boolean;
    readonly retryAfterMs?: number;
    /** With `code-wrong` and `registration-locked`: how many tries are left. */
    readonly attemptsLeft?: number;
    /** With `devices-changed`: the signed list as it is now. */
    readonly deviceList?: string;
    /** With `registration-locked`: 32 bytes, the salt under which the PIN is hashed. */
    readonly lockSalt?: string;
  };
}

/** `GET /.well-known/sotto.json` */
export interface RelayDescription {
  readonly protocol: { readonly min: number; readonly max: number };
  readonly version: string;
  readonly limits: {
    readonly maxMessageBytes: number;
    readonly avatarBytes: number;
    readonly profileBytes: number;
    readonly retentionMs: number;
  };
  /** Public keys, libsignal's 33 bytes each, of which one has signed every certificate of a sealed sender. Older relays have none. */
  readonly trustRoots?: readonly string[];
}

/** `GET /v1/certificates/sender`: says whose device this is to whoever opens a sealed message of it. */
export interface SenderCertificateAnswer {
  /** libsignal's serialised SenderCertificate. */
  readonly certificate: string;
  readonly expiresAt: number;
}

/** `POST /v1/verifications` */
export interface VerificationRequest {
  /** E.164. */
  readonly number: string;
  /** The answer to a challenge, where the relay's operator asks for one; at most 4,096 characters. */
  readonly challenge?: string;
}

export interface VerificationAnswer {
  readonly verificationId: string;
  readonly codeLength: number;
  readonly expiresInMs: number;
  /** A new code for this number can be asked for after this time. */
  readonly resendAfterMs: number;
}

/** A public prekey, libsignal's serialised form. */
export interface PublicPrekey {
  /** 1 .. 2^24 - 1 */
  readonly id: number;
  readonly publicKey: string;
}

/** A public prekey with the identity key's signature over `publicKey`. */
export interface SignedPublicPrekey extends PublicPrekey {
  readonly signature: string;
}

/** `PUT /v1/prekeys`, and part of a registration. What is left out stays as it is. */
export interface PrekeyUpload {
  readonly signedPrekey?: SignedPublicPrekey;
  readonly lastResortKyberPrekey?: SignedPublicPrekey;
  /** One-time EC prekeys, at most 100. */
  readonly prekeys?: readonly PublicPrekey[];
  /** One-time Kyber prekeys, at most 100. */
  readonly kyberPrekeys?: readonly SignedPublicPrekey[];
}

/** `GET /v1/prekeys` and the answer to an upload: one-time keys that are left. */
export interface PrekeyCount {
  readonly ec: number;
  readonly kyber: number;
}

/** `POST /v1/registrations`. The same idempotency key with the same body gives the same account, with a new access token. */
export interface RegistrationRequest {
  readonly verificationId: string;
  readonly code: string;
  /** 16 random bytes. */
  readonly idempotencyKey: string;
  /** A new random UUID (version 4); with `recovery` that of the account. */
  readonly userId: string;
  /** An encoded SignedDeviceList, version 1, with one device: 1. With `recovery` the next version of the account's, with one device. */
  readonly deviceList: string;
  /** 32 random bytes: the first refresh token, made by the client and stored by it before this request. */
  readonly refreshToken: string;
  readonly prekeys: Required<PrekeyUpload>;
  /** The encrypted profile. */
  readonly profile: string;
  /** 16 bytes derived from the profile key: whoever shows it when sending is a contact. Older clients leave it out. */
  readonly accessKey?: string;
  /** The root key's signature over `signedBytesOfReRegistration`: the account is kept, and its devices end. */
  readonly recovery?: string;
  /** When the number has an account under a registration lock: 32 bytes, from its PIN. */
  readonly lockSecret?: string;
}

/** `POST /v1/recoveries`: whose account a root key is. The code is claimed for `idempotencyKey`, which the registration has to have too. */
export interface RecoveryRequest {
  readonly verificationId: string;
  readonly code: string;
  /** 16 bytes. */
  readonly idempotencyKey: string;
  /** The public root key, libsignal's 33 bytes. */
  readonly rootKey: string;
  /** The root key's signature over `signedBytesOfRecovery`. */
  readonly signature: string;
}

export interface RecoveryAnswer {
  readonly userId: string;
  /** An encoded SignedDeviceList: the account's as it is now. */
  readonly deviceList: string;
}

/** `GET /v1/account` */
export interface AccountAnswer {
  readonly userId: string;
  readonly deviceId: number;
  /** E.164. */
  readonly number: string;
  /** Whether a registration lock is set. */
  readonly locked: boolean;
}

/** `POST /v1/account/deletion` */
export interface DeletionRequest {
  /** A signature of the device key, or of the root key, over `signedBytesOfAccountProof`. */
  readonly proof: string;
}

/** `POST /v1/account/number`. The same again is success. */
export interface NumberRequest {
  readonly verificationId: string;
  readonly code: string;
  readonly proof: string;
  /** When the number has an account under a registration lock: 32 bytes, from its PIN. */
  readonly lockSecret?: string;
}

/** `PUT /v1/account/lock`: sets the registration lock, or removes it when `lock` is left out. */
export interface LockRequest {
  readonly proof: string;
  readonly lock?: {
    /** 32 random bytes, under which the PIN was hashed. */
    readonly salt: string;
    /** 32 bytes, the hashed PIN. */
    readonly secret: string;
  };
}

export interface RegistrationAnswer {
  readonly userId: string;
  readonly deviceId: number;
  readonly accessToken: string;
  readonly accessExpiresInMs: number;
}

/** `POST /v1/tokens`. The client stores `nextRefreshToken` before asking; the same pair again is success, any other reuse ends the session. */
export interface TokenRequest {
  readonly refreshToken: string;
  readonly nextRefreshToken: string;
}

export interface TokenAnswer {
  readonly accessToken: string;
  readonly accessExpiresInMs: number;
}

/** `POST /v1/stream-tickets`: for a browser, which can't set headers on a WebSocket. Works once. */
export interface StreamTicketAnswer {
  readonly ticket: string;
  readonly expiresInMs: number;
}

/** `POST /v1/lookups` */
export interface LookupRequest {
  /** E.164, at most 100. */
  readonly numbers: readonly string[];
}

export interface LookupAnswer {
  /** Only the numbers that have an account. */
  readonly users: readonly { readonly number: string; readonly userId: string }[];
}

/** `GET /v1/users/{userId}/devices`: an encoded SignedDeviceList. */
export interface DeviceListAnswer {
  readonly deviceList: string;
}

/** `PUT /v1/devices`: the next version of the own device list. 409 `devices-changed` when another was stored before. */
export interface DeviceListRequest {
  readonly deviceList: string;
  /** Of the asking device, all signed by the list's identity key: has to be there when that key is another one than before, which ends the prekeys of all devices. The others stand without keys until they upload new ones. */
  readonly prekeys?: Required<PrekeyUpload>;
}

/** `GET /v1/devices`: what the relay knows of the own devices beside their list. */
export interface DevicesAnswer {
  readonly devices: readonly DeviceStanding[];
}

export interface DeviceStanding {
  readonly deviceId: number;
  /** The beginning of the day (UTC) on which it was connected last; kept for accounts with more than one device. */
  readonly lastSeenDay?: number;
  /** It was not connected for 45 days and gets no mail until it is: take it off the list. Never said of the primary. */
  readonly idle: boolean;
  /** It has uploaded no prekeys since the identity key changed, so that nobody can begin a session with it. */
  readonly keyless: boolean;
}

/** `POST /v1/devices/codes`: asked for by a device of the account, put into the message for the new one, used by that in `POST /v1/devices`. Works once. */
export interface DeviceCodeAnswer {
  /** 32 bytes. */
  readonly code: string;
  readonly expiresInMs: number;
}

/** `POST /v1/linking`: a new device, without an account yet, asks for a place where one message can be left for it. */
export interface LinkRequest {
  /** A public key of libsignal's 33 bytes, made for this linking alone, to which the message is sealed (HPKE). */
  readonly publicKey: string;
}

export interface LinkAnswer {
  /** 16 bytes; stands in the code that the new device shows. */
  readonly linkId: string;
  /** 32 bytes; stays with the new device, and opens the message. */
  readonly pollToken: string;
  readonly expiresInMs: number;
}

/** `PUT /v1/linking/{linkId}`: leaves the one message, by a device of an account. 404 `link-unknown` for a link that is unknown, late, used, or another key's. */
export interface LinkMessageRequest {
  /** The key to which the message is sealed, as the code named it. */
  readonly publicKey: string;
  /** Sealed; at most 16 KiB. */
  readonly message: string;
}

/** `POST /v1/linking/{linkId}/message`: waits for the message, up to 25 s. It is given once. */
export interface LinkPollRequest {
  readonly pollToken: string;
}

export interface LinkPollAnswer {
  /** Left out when there is none yet: ask again. */
  readonly message?: string;
}

/** `POST /v1/devices`: the new device comes to be, with its mailbox, prekeys, place on the list and tokens. The same idempotency key with the same body gives the same device, with a new access token. Answered by a `RegistrationAnswer`. */
export interface DeviceRegistrationRequest {
  /** Of `DeviceCodeAnswer`. */
  readonly code: string;
  /** 16 random bytes. */
  readonly idempotencyKey: string;
  /** The next version of the account's list: as it is, and this device beside. */
  readonly deviceList: string;
  /** The one that the list adds. */
  readonly deviceId: number;
  /** 32 random bytes: the first refresh token, made by the new device and stored by it before this request. */
  readonly refreshToken: string;
  /** Signed by the list's identity key. */
  readonly prekeys: Required<PrekeyUpload>;
  /** The new device's key's signature over `signedBytesOfDeviceRegistration`. */
  readonly signature: string;
}

export interface DeviceBundle {
  readonly deviceId: number;
  readonly registrationId: number;
  readonly signedPrekey: SignedPublicPrekey;
  /** Absent when the one-time EC keys are used up. */
  readonly prekey?: PublicPrekey;
  /** A one-time key, or the last-resort one. */
  readonly kyberPrekey: SignedPublicPrekey;
}

/** `GET /v1/users/{userId}/bundles[?device=N]`: one-time keys named here are gone from the relay. */
export interface BundlesAnswer {
  readonly deviceList: string;
  /** Of the devices that have keys. One that is on the list and not here has none since the identity key changed: a Send may leave it out. */
  readonly bundles: readonly DeviceBundle[];
  /** Reserved for key transparency. */
  readonly proof?: string;
}

/** `PUT /v1/profile` */
export interface ProfileRequest {
  /** At most 4 KiB. */
  readonly profile: string;
  /** As in a registration; when it is left out the one before stays. */
  readonly accessKey?: string;
}

/** `GET /v1/users/{userId}/profile`. The avatar, when there is one, is at `GET /v1/users/{userId}/avatar`. */
export interface ProfileAnswer {
  readonly profile: string;
  readonly hasAvatar: boolean;
}

/** Who comes into the relay's table of members and who leaves it: access to the log and to group sends, and nothing else. Nobody stands in both. */
export interface GroupMembersChange {
  /** User ids, at most 1,024. */
  readonly added: readonly string[];
  /** User ids, at most 1,024. */
  readonly removed: readonly string[];
}

/** `POST /v1/groups/{groupId}/records`: appends to the group's log if it has come to the revision before, and changes the table of members in the same step. The same record again is success. */
export interface GroupAppendRequest extends GroupMembersChange {
  /** An encoded GroupRecord. */
  readonly record: string;
  /** Where the group's avatar stands after the record (32 bytes); null: it has none. As before when it is left out. */
  readonly avatar?: string | null;
  /** 32 bytes of which the relay has the hash, from whoever is no member and has the link. */
  readonly inviteToken?: string;
}

export interface GroupAppendAnswer {
  /** The record's. */
  readonly revision: number;
}

/** `GET /v1/groups/{groupId}/records?after=N`: a piece of the log that the asker may read. */
export interface GroupLogAnswer {
  /** Encoded GroupRecords, revision after revision. */
  readonly records: readonly string[];
  /** Of the first of them, or of the next to come: later than asked for where the asker may not read what came before. */
  readonly firstRevision: number;
  /** The last that the asker may read: ask on after the last one here until it is there. */
  readonly lastRevision: number;
}

/** `GET` and `PUT /v1/groups/{groupId}/checkpoint` */
export interface GroupCheckpointBody {
  readonly revision: number;
  /** An encoded GroupCheckpoint, which the relay does not look into. */
  readonly checkpoint: string;
}

/** `PUT /v1/groups/{groupId}/invite`: opens the invite in place of the one before. */
export interface GroupInviteRequest {
  /** SHA-256 of the token: 32 bytes. */
  readonly tokenHash: string;
  /** Of the state in the box. */
  readonly revision: number;
  /** Sealed for whoever has the link. */
  readonly box: string;
}

/** `POST /v1/groups/{groupId}/invitation`: what the link shows. In the body, since tokens never stand in a URL. */
export interface GroupInvitationRequest {
  readonly inviteToken: string;
  /** The records wanted come after this revision; 0, and all are wanted, when it is left out. */
  readonly after?: number;
}

export interface GroupInvitationAnswer extends GroupLogAnswer {
  readonly box: string;
  readonly boxRevision: number;
}

/** `POST /v1/groups/{groupId}/avatars/{location}/invitation`: the avatar of a group that the link shows, as bytes. */
export interface GroupAvatarInvitationRequest {
  readonly inviteToken: string;
}

/** `GET /v1/groups?after=<groupId>`: the groups of which the own account is a member, by their ids, 500 at most. */
export interface GroupsAnswer {
  readonly groups: readonly { readonly groupId: string; readonly revision: number }[];
}

/** `GET /v1/groups/{groupId}/members`, and the answer to `POST`, whose body is a `GroupMembersChange` that repairs the table: by it as it is then. The log, as its readers evaluate it, is what counts. */
export interface GroupMembersAnswer {
  readonly members: readonly string[];
}
