import { createHash, randomBytes } from 'node:crypto';
import { GroupRecord, toBase64Url, uuidToBytes } from '@sotto/proto';
import { call, type RawAccount, type RawAnswer } from './raw-client.ts';
import type { TestRelay } from './test-relay.ts';

/** What of a record a test wants to be different. */
export interface RecordChanges {
  readonly added?: readonly RawAccount[];
  readonly removed?: readonly RawAccount[];
  readonly ciphertext?: Uint8Array;
}

/** A record that is right in everything that the relay looks at. */
export function groupRecord(groupId: Uint8Array, revision: number, changes: RecordChanges = {}): Uint8Array {
  return GroupRecord.encode({
    groupId,
    revision,
    keyEpoch: 1,
    keyCommitment: randomBytes(32),
    added: idsOf(changes.added ?? []),
    removed: idsOf(changes.removed ?? []),
    ciphertext: changes.ciphertext ?? randomBytes(200),
  });
}

/** Appends a record as one of the accounts. */
export function append(
  relay: TestRelay,
  as: RawAccount,
  groupId: Uint8Array,
  record: Uint8Array,
  inviteToken?: Uint8Array,
): Promise<RawAnswer<unknown>> {
  const body = { record: toBase64Url(record), ...(inviteToken && { inviteToken: toBase64Url(inviteToken) }) };
  return call(relay, 'POST', `/v1/groups/${toBase64Url(groupId)}/records`, { token: as.token, body });
}

/** A group of these accounts, made by the first. */
export async function makeGroup(
  relay: TestRelay,
  members: readonly [RawAccount, ...RawAccount[]],
): Promise<Uint8Array> {
  const groupId = randomBytes(32);
  const { status } = await append(relay, members[0], groupId, groupRecord(groupId, 1, { added: members }));
  if (status !== 200) throw new Error(`no group: ${status}`);
  return groupId;
}

/** What the relay keeps of a token. */
export function hashOf(token: Uint8Array): string {
  return toBase64Url(createHash('sha256').update(token).digest());
}

function idsOf(accounts: readonly RawAccount[]): Uint8Array[] {
  return accounts.map(({ keys }) => uuidToBytes(keys.userId)).sort(Buffer.compare);
}
