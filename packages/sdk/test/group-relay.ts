import { Buffer } from 'node:buffer';
import { defaultPlatform } from '#platform';
import type { GroupActor } from '../src/groups/device-proof.ts';
import { needsNewKey } from '../src/groups/evaluate.ts';
import { keyCommitment, newGroupKey } from '../src/groups/group-cipher.ts';
import type { GroupPosition } from '../src/groups/group-head.ts';
import type { CommittedKey } from '../src/groups/group-keys.ts';
import type { GroupOperation } from '../src/groups/group-operation.ts';
import { decodeRecord, encodeRecord } from '../src/groups/group-record.ts';
import { memberOf } from '../src/groups/group-state.ts';
import { sealKeyProof } from '../src/groups/key-proof.ts';
import { signChange } from '../src/groups/signed-change.ts';
import { sealRecord } from '../src/groups/write-record.ts';
import type { UserId } from '../src/ports/ids.ts';
import { asText } from './group-oracle.ts';
import type { ModelClient } from './model-client.ts';
import { modelOperation } from './model-operation.ts';
import { type ModelPerson, stolen } from './model-person.ts';

const { sha256, randomness } = defaultPlatform();
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const mostBranches = 4;

/** Whom the relay works with, and what they know. */
export interface GroupRelayParts {
  readonly wireId: Uint8Array;
  readonly mallory: ModelPerson;
  readonly people: readonly ModelPerson[];
  /** Every state key there is, by its commitment. */
  readonly allKeys: ReadonlyMap<string, Uint8Array>;
  readonly newLink: () => Uint8Array;
  /** Gives a key to everybody. */
  readonly spread: (key: CommittedKey) => void;
}

/** A malicious relay, with a member and a stolen device as its friends: it has several logs of a group, and shows each client one of them. What it withholds comes when the client fetches. */
export class GroupRelay {
  readonly #parts: GroupRelayParts;
  readonly branches: Uint8Array[][] = [[]];

  constructor(parts: GroupRelayParts) {
    this.#parts = parts;
  }

  /** Shows some clients another log: one that was cut, goes on otherwise, has its records in another order, or one of them twice. */
  fork(clients: readonly ModelClient[], a: number, b: number, c: number): void {
    if (this.branches.length >= mostBranches) return;
    const from = this.branches[a % this.branches.length] ?? [];
    const kept = from.slice(0, Math.max(1, from.length - (b % 4)));
    const [last, before] = [kept.at(-1), kept.at(-2)];
    const isTurned = b % 3 === 0 && kept.length > 2 && last !== undefined && before !== undefined;
    if (isTurned) kept.splice(-2, 2, last, before);
    else if (b % 5 === 0 && last !== undefined) kept.push(last);
    this.branches.push(kept);
    for (const [at, client] of clients.entries()) {
      if (((c >> at) & 1) === 1) client.branch = this.branches.length - 1;
    }
  }

  /** A false welcome: the right head, and another state. */
  lie(client: ModelClient, b: number): void {
    const { state } = client.at;
    if (!client.isIn || state.members.length === 0) return;
    const { userId } = this.#parts.mallory;
    const members = state.members.map((one) => (one.userId === userId ? { ...one, role: 'admin' as const } : one));
    const hasOwner = members.some(({ role }) => role === 'owner');
    const told = b % 2 === 0 && hasOwner ? { ...state, members } : { ...state, title: 'a lie' };
    client.at = { ...client.at, state: told };
    client.truthful = asText(told) === asText(state) && client.truthful;
  }

  /**
   * Puts what it likes at the end of a log.
   * @param at where the log has led an honest client, if there is one
   */
  forge(index: number, at: GroupPosition | undefined, b: number, c: number): void {
    const branch = this.branches[index] ?? [];
    const record = this.#forged(branch, at, b, c);
    if (record !== undefined) branch.push(record);
  }

  #forged(branch: readonly Uint8Array[], at: GroupPosition | undefined, b: number, c: number): Uint8Array | undefined {
    const other = this.branches[c % this.branches.length] ?? [];
    if (b % 8 === 0) return randomness.bytes(c % 300);
    if (b % 8 === 1) return other[c % Math.max(1, other.length)];
    // The honest record of another history, at the same revision.
    if (b % 8 === 2 || b % 8 === 3) {
      return this.branches.find((one) => one.length > branch.length && one !== branch)?.[branch.length];
    }
    if (at === undefined || at.state.revision !== branch.length) return undefined;
    const { people, mallory, newLink } = this.#parts;
    const victim = people[c % people.length] ?? mallory;
    const target = people[(c >> 2) % people.length] ?? mallory;
    const operation = modelOperation(at.state, target, b >> 3, c >> 2, newLink);
    if (operation === undefined) return undefined;
    const isMember = (userId: UserId) => memberOf(at.state, userId) !== undefined;
    const own = mallory.actor();
    if (b % 8 === 4) return this.#sealed(at, own, operation, c, isMember(mallory.userId));
    // As somebody else, by the own key, and by a device of theirs that was stolen.
    if (b % 8 === 5) {
      const isOwn = victim === mallory && isMember(mallory.userId);
      return this.#sealed(at, { ...victim.actor(), deviceKey: own.deviceKey }, operation, c, isOwn);
    }
    const robbed = people.filter(({ version }) => version >= 2);
    const loser = robbed[c % Math.max(1, robbed.length)];
    if (loser) {
      const isOnList = (memberOf(at.state, loser.userId)?.deviceListVersion ?? 3) <= 2;
      return this.#sealed(at, loser.actor(stolen, 2), c % 2 === 0 ? { type: 'leave' } : operation, c, isOnList);
    }
    const genuine = branch.at(-1);
    const cut = genuine && decodeRecord(genuine);
    const revision = branch.length + 1;
    return (
      cut && encodeRecord({ ...cut, revision, ciphertext: cut.ciphertext.with(c % cut.ciphertext.length, c % 256) })
    );
  }

  /** A record that is in order but for what its actor may do; now and then for its key, too. A new key is given to all if a device of a member brings it, and else to nobody. */
  #sealed(
    at: GroupPosition,
    actor: GroupActor,
    operation: GroupOperation,
    c: number,
    isOfMember: boolean,
  ): Uint8Array | undefined {
    const { wireId, allKeys, spread } = this.#parts;
    const { state, head } = at;
    const isNewKey = needsNewKey(state) !== (c % 11 === 0);
    const key = isNewKey ? newGroupKey(randomness) : allKeys.get(hex(state.keyCommitment));
    if (key === undefined) return undefined;
    const keyEpoch = state.keyEpoch + (isNewKey ? 1 : 0);
    const revision = state.revision + 1;
    const commitment = keyCommitment(wireId, { keyEpoch, key }, sha256);
    if (!isNewKey || isOfMember) spread({ keyEpoch, key, keyCommitment: commitment });
    const plain = { wireId, revision, keyEpoch, keyCommitment: commitment };
    const current = allKeys.get(hex(state.keyCommitment));
    const isProven = isNewKey && (isOfMember || c % 3 !== 0) && current !== undefined;
    const header = { ...plain, keyProof: isProven ? sealKeyProof(at, plain, actor, current, randomness) : undefined };
    const change = { wireId, revision, previousHead: head, createdAt: 6, operations: [operation] };
    return sealRecord(header, signChange(change, actor), key, randomness);
  }
}
