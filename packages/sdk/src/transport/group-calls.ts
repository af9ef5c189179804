import { toBase64Url } from '@sotto/proto';
import type { UserId } from '../ports/ids.ts';
import { type AuthorizedClient, type CallOptions, noAnswer } from './http-client.ts';
import { bytesShape, integerShape, listShape, recordShape, uuidShape } from './json-shape.ts';

/** The most bytes of a record, a checkpoint and an invite's box. */
const maxSealBytes = 256 * 1024;
const mostMembers = 2_048;
const mostGroups = 500;

/** A piece of a group's log. */
export interface GroupLogPage {
  /** Encoded records, revision after revision. */
  readonly records: readonly Uint8Array[];
  /** Of the first of them; of the next to come when there are none. */
  readonly firstRevision: number;
  /** The last revision that may be read. */
  readonly lastRevision: number;
}

/** What an open invite shows. */
export interface GroupInvitation extends GroupLogPage {
  readonly box: Uint8Array;
}

/** Something sealed, of a revision. */
export interface GroupSeal {
  readonly revision: number;
  readonly bytes: Uint8Array;
}

/** Who comes into the relay's table of members, and who leaves it. */
export interface GroupTableChange {
  readonly added: readonly UserId[];
  readonly removed: readonly UserId[];
}

/** A record, with what it does to the relay's table of members. */
export interface GroupAppend extends GroupTableChange {
  readonly record: Uint8Array;
  /** Where the avatar stands after it, null: nowhere; undefined: the relay leaves it as it is. */
  readonly avatar: Uint8Array | null | undefined;
  /** Of whoever comes by a link. */
  readonly inviteToken: Uint8Array | undefined;
}

/** A group in the list of the own ones. */
export interface ListedGroup {
  readonly wireId: Uint8Array;
  readonly revision: number;
}

const revisionShape = integerShape(1, Number.MAX_SAFE_INTEGER);
const logShapes = {
  records: listShape(bytesShape(1, maxSealBytes), 1_000),
  firstRevision: revisionShape,
  lastRevision: integerShape(0, Number.MAX_SAFE_INTEGER),
};
const appended = recordShape<{ readonly revision: number }>({ revision: revisionShape });
const log = recordShape<GroupLogPage>(logShapes);
const invitation = recordShape<GroupInvitation>({ ...logShapes, box: bytesShape(1, maxSealBytes) });
const checkpoint = recordShape<{ readonly revision: number; readonly checkpoint: Uint8Array }>({
  revision: revisionShape,
  checkpoint: bytesShape(1, maxSealBytes),
});
const members = recordShape<{ readonly members: readonly string[] }>({ members: listShape(uuidShape, mostMembers) });
const groups = recordShape<{ readonly groups: readonly { groupId: Uint8Array; revision: number }[] }>({
  groups: listShape(recordShape({ groupId: bytesShape(32, 32), revision: revisionShape }), mostGroups),
});

/**
 * Appends a record to a group's log: `POST /v1/groups/{groupId}/records`. The same record again is success.
 * @throws {SottoError} `group-unknown`, `group-changed` (the log goes on at another revision), `group-full`, `user-unknown`, `relay-refused` with `relayCode` `group-invite-used`, `rate-limited`, and as AuthorizedClient
 */
export async function appendGroupRecord(
  http: AuthorizedClient,
  wireId: Uint8Array,
  { record, added, removed, avatar, inviteToken }: GroupAppend,
  options: CallOptions = {},
): Promise<number> {
  const { revision } = await http.authorized({
    method: 'POST',
    path: `${pathOf(wireId)}/records`,
    body: JSON.stringify({
      record: toBase64Url(record),
      added,
      removed,
      ...(avatar !== undefined && { avatar: avatar && toBase64Url(avatar) }),
      ...(inviteToken && { inviteToken: toBase64Url(inviteToken) }),
    }),
    answer: { type: 'json', shape: appended },
    signal: options.signal,
  });
  return revision;
}

/**
 * A page of the log after a revision: `GET /v1/groups/{groupId}/records`.
 * @throws {SottoError} `group-unknown`, and as AuthorizedClient
 */
export function requestGroupLog(
  http: AuthorizedClient,
  wireId: Uint8Array,
  after: number,
  options: CallOptions = {},
): Promise<GroupLogPage> {
  return http.authorized({
    method: 'GET',
    path: `${pathOf(wireId)}/records?after=${after}`,
    answer: { type: 'json', shape: log },
    signal: options.signal,
  });
}

/**
 * What a link shows: `POST /v1/groups/{groupId}/invitation`.
 * @throws {SottoError} `group-unknown` (no such invite is open), and as AuthorizedClient
 */
export function requestGroupInvitation(
  http: AuthorizedClient,
  wireId: Uint8Array,
  inviteToken: Uint8Array,
  after: number,
  options: CallOptions = {},
): Promise<GroupInvitation> {
  return http.authorized({
    method: 'POST',
    path: `${pathOf(wireId)}/invitation`,
    body: JSON.stringify({ inviteToken: toBase64Url(inviteToken), after }),
    answer: { type: 'json', shape: invitation },
    signal: options.signal,
  });
}

/**
 * The newest checkpoint: `GET /v1/groups/{groupId}/checkpoint`.
 * @throws {SottoError} `group-unknown` (also when there is none), and as AuthorizedClient
 */
export async function requestGroupCheckpoint(
  http: AuthorizedClient,
  wireId: Uint8Array,
  options: CallOptions = {},
): Promise<GroupSeal> {
  const { revision, checkpoint: bytes } = await http.authorized({
    method: 'GET',
    path: `${pathOf(wireId)}/checkpoint`,
    answer: { type: 'json', shape: checkpoint },
    signal: options.signal,
  });
  return { revision, bytes };
}

/**
 * Keeps a checkpoint, unless a newer one is kept: `PUT /v1/groups/{groupId}/checkpoint`.
 * @throws {SottoError} `group-unknown`, `group-changed` (the log has not come to that revision), and as AuthorizedClient
 */
export function storeGroupCheckpoint(
  http: AuthorizedClient,
  wireId: Uint8Array,
  { revision, bytes }: GroupSeal,
  options: CallOptions = {},
): Promise<undefined> {
  return http.authorized({
    method: 'PUT',
    path: `${pathOf(wireId)}/checkpoint`,
    body: JSON.stringify({ revision, checkpoint: toBase64Url(bytes) }),
    answer: noAnswer,
    signal: options.signal,
  });
}

/**
 * Opens an invite in place of the one before: `PUT /v1/groups/{groupId}/invite`.
 * @param tokenHash SHA-256 of the token that opens it
 * @throws {SottoError} `group-unknown`, `group-changed`, and as AuthorizedClient
 */
export function storeGroupInvite(
  http: AuthorizedClient,
  wireId: Uint8Array,
  { tokenHash, box }: { readonly tokenHash: Uint8Array; readonly box: GroupSeal },
  options: CallOptions = {},
): Promise<undefined> {
  return http.authorized({
    method: 'PUT',
    path: `${pathOf(wireId)}/invite`,
    body: JSON.stringify({
      tokenHash: toBase64Url(tokenHash),
      revision: box.revision,
      box: toBase64Url(box.bytes),
    }),
    answer: noAnswer,
    signal: options.signal,
  });
}

/**
 * Closes the invite: `DELETE /v1/groups/{groupId}/invite`.
 * @throws {SottoError} `group-unknown`, and as AuthorizedClient
 */
export function removeGroupInvite(
  http: AuthorizedClient,
  wireId: Uint8Array,
  options: CallOptions = {},
): Promise<undefined> {
  return http.authorized({
    method: 'DELETE',
    path: `${pathOf(wireId)}/invite`,
    answer: noAnswer,
    signal: options.signal,
  });
}

/**
 * Who is a member by the relay's table: `GET /v1/groups/{groupId}/members`.
 * @throws {SottoError} `group-unknown`, and as AuthorizedClient
 */
export async function requestGroupMembers(
  http: AuthorizedClient,
  wireId: Uint8Array,
  options: CallOptions = {},
): Promise<readonly UserId[]> {
  const answer = await http.authorized({
    method: 'GET',
    path: `${pathOf(wireId)}/members`,
    answer: { type: 'json', shape: members },
    signal: options.signal,
  });
  return answer.members as readonly UserId[];
}

/**
 * Repairs the relay's table of members: `POST /v1/groups/{groupId}/members`.
 * @returns the table as it is then
 * @throws {SottoError} `group-unknown`, `rate-limited`, and as AuthorizedClient
 */
export async function repairGroupMembers(
  http: AuthorizedClient,
  wireId: Uint8Array,
  { added, removed }: GroupTableChange,
  options: CallOptions = {},
): Promise<readonly UserId[]> {
  const answer = await http.authorized({
    method: 'POST',
    path: `${pathOf(wireId)}/members`,
    body: JSON.stringify({ added, removed }),
    answer: { type: 'json', shape: members },
    signal: options.signal,
  });
  return answer.members as readonly UserId[];
}

/**
 * The groups of which the own account is a member by the relay's table, 500 at most of those after an id: `GET /v1/groups`.
 * @throws {SottoError} as AuthorizedClient
 */
export async function listOwnGroups(
  http: AuthorizedClient,
  after: Uint8Array | undefined,
  options: CallOptions = {},
): Promise<readonly ListedGroup[]> {
  const answer = await http.authorized({
    method: 'GET',
    path: `/v1/groups${after === undefined ? '' : `?after=${toBase64Url(after)}`}`,
    answer: { type: 'json', shape: groups },
    signal: options.signal,
  });
  return answer.groups.map(({ groupId, revision }) => ({ wireId: groupId, revision }));
}

function pathOf(wireId: Uint8Array): string {
  return `/v1/groups/${toBase64Url(wireId)}`;
}
