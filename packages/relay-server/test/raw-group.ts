import { createHash, randomBytes } from 'node:crypto';
import { GroupRecord, toBase64Url } from '@sotto/proto';
import { call, type RawAccount, type RawAnswer, type RawRelay } from './raw-client.ts';

/** What of a record a test wants to be different. */
export interface RecordChanges {
  readonly keyCommitment?: Uint8Array;
  readonly ciphertext?: Uint8Array;
}

/** Who comes and who goes by a request. */
export interface RawMembersChange {
  readonly added?: readonly RawAccount[];
  readonly removed?: readonly RawAccount[];
}

const commitment = randomBytes(32);

/** A record that is right in everything that the relay looks at; all are under one key. */
export function groupRecord(groupId: Uint8Array, revision: number, changes: RecordChanges = {}): Uint8Array {
  const { keyCommitment = commitment, ciphertext = randomBytes(200) } = changes;
  return GroupRecord.encode({ groupId, revision, keyEpoch: 1, keyCommitment, ciphertext });
}

/** Appends a record as one of the accounts. */
export function append(
  relay: RawRelay,
  as: RawAccount,
  groupId: Uint8Array,
  record: Uint8Array,
  members: RawMembersChange = {},
  inviteToken?: Uint8Array,
): Promise<RawAnswer<unknown>> {
  const token = inviteToken && { inviteToken: toBase64Url(inviteToken) };
  const body = { record: toBase64Url(record), ...idsOf(members), ...token };
  return call(relay, 'POST', `/v1/groups/${toBase64Url(groupId)}/records`, { token: as.token, body });
}

/** Repairs the table of members as one of the accounts. */
export function repair(
  relay: RawRelay,
  as: RawAccount,
  groupId: Uint8Array,
  members: RawMembersChange,
): Promise<RawAnswer<{ readonly members: readonly string[] }>> {
  const path = `/v1/groups/${toBase64Url(groupId)}/members`;
  return call(relay, 'POST', path, { token: as.token, body: idsOf(members) });
}

/** A group of these accounts, made by the first. */
export async function makeGroup(relay: RawRelay, members: readonly [RawAccount, ...RawAccount[]]): Promise<Uint8Array> {
  const groupId = randomBytes(32);
  const { status } = await append(relay, members[0], groupId, groupRecord(groupId, 1), { added: members });
  if (status !== 200) throw new Error(`no group: ${status}`);
  return groupId;
}

/** What the relay keeps of a token. */
export function hashOf(token: Uint8Array): string {
  return toBase64Url(createHash('sha256').update(token).digest());
}

function idsOf({ added = [], removed = [] }: RawMembersChange): { added: string[]; removed: string[] } {
  const of = (accounts: readonly RawAccount[]) => accounts.map(({ keys }) => keys.userId);
  return { added: of(added), removed: of(removed) };
}
