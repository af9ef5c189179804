import { Buffer } from 'node:buffer';
import { defaultPlatform } from '#platform';
import type { GroupActor } from '../src/groups/device-proof.ts';
import { type Evaluation, evaluate, type KeySource, type VoidReason } from '../src/groups/evaluate.ts';
import { type GroupKey, keyCommitment } from '../src/groups/group-cipher.ts';
import { type GroupPosition, startOfGroup } from '../src/groups/group-head.ts';
import { newWireId } from '../src/groups/group-id.ts';
import type { GroupOperation } from '../src/groups/group-operation.ts';
import { decodeRecord, type GroupRecordHeader } from '../src/groups/group-record.ts';
import { sealKeyProof } from '../src/groups/key-proof.ts';
import { type GroupChange, signChange } from '../src/groups/signed-change.ts';
import { sealRecord, type WrittenRecord, writeRecord } from '../src/groups/write-record.ts';
import { GroupPerson } from './group-person.ts';
import { userIdOf } from './numbered-uuid.ts';

const { sha256, randomness } = defaultPlatform();

/** What of a raw record is not as it should be. */
export interface Twist {
  readonly header?: Partial<GroupRecordHeader>;
  /** It is under a new key, which this one brings; undefined: nobody says so. */
  readonly bringer?: GroupActor | undefined;
  readonly change?: Partial<Omit<GroupChange, 'actor'>>;
  /** Does something to the signed change before it is sealed. */
  readonly signed?: (bytes: Uint8Array) => Uint8Array;
}

/** A group with an owner, an admin and a member, its log, and one who knows all its keys. */
export class GroupLog {
  readonly wireId = newWireId(randomness);
  readonly owner = new GroupPerson(userIdOf(1));
  readonly admin = new GroupPerson(userIdOf(2));
  readonly member = new GroupPerson(userIdOf(3));
  readonly other = new GroupPerson(userIdOf(4));
  readonly stranger = new GroupPerson(userIdOf(9));
  readonly records: Uint8Array[] = [];
  readonly #keys = new Map<string, Uint8Array>();
  at: GroupPosition = startOfGroup(this.wireId);
  key: GroupKey = { keyEpoch: 0, key: new Uint8Array() };

  readonly keys: KeySource = (_, commitment) => this.#keys.get(Buffer.from(commitment).toString('hex'));

  constructor() {
    this.write(this.owner, {
      type: 'create',
      rules: 1,
      title: 'Rowers',
      avatar: undefined,
      settings: { add: 'admins', edit: 'admins' },
      owner: this.owner.candidate(),
      members: [this.admin, this.member, this.other].map((one) => one.candidate()),
    });
    this.write(this.owner, { type: 'set-role', userId: this.admin.userId, role: 'admin' });
  }

  /** Writes a change by the rules, and goes on from it. */
  write(person: GroupPerson, ...operations: readonly GroupOperation[]): WrittenRecord {
    const written = this.tried(person, ...operations);
    if (typeof written === 'string') throw new Error(`the change is void: ${written}`);
    this.records.push(written.record);
    this.at = written.at;
    this.key = written.key;
    this.know(written.key);
    return written;
  }

  /** The same, without going on. */
  tried(person: GroupPerson, ...operations: readonly GroupOperation[]): WrittenRecord | VoidReason {
    const change = { before: this.at, actor: person.actor(), operations, now: 7 };
    return writeRecord(change, this.keys, { sha256, randomness });
  }

  know(key: GroupKey): void {
    this.#keys.set(Buffer.from(keyCommitment(this.wireId, key, sha256)).toString('hex'), key.key);
  }

  /** A record that some part of is wrong, sealed under the right key. */
  raw(actor: ReturnType<GroupPerson['actor']>, operations: readonly GroupOperation[], twist: Twist = {}): Uint8Array {
    const revision = this.at.state.revision + 1;
    const { keyEpoch, keyCommitment: commitment } = this.at.state;
    const plain = { wireId: this.wireId, revision, keyEpoch, keyCommitment: commitment, ...twist.header };
    const { bringer } = twist;
    const keyProof = bringer && sealKeyProof(this.at, plain, bringer, this.key.key, randomness);
    const header = { keyProof, ...plain };
    const change = { wireId: this.wireId, revision, previousHead: this.at.head, createdAt: 7, operations };
    const signed = signChange({ ...change, ...twist.change }, actor);
    return sealRecord(header, twist.signed?.(signed) ?? signed, this.key.key, randomness);
  }

  /** What everybody makes of a record that comes next. */
  judge(record: Uint8Array, keys: KeySource = this.keys): Evaluation {
    return evaluate(this.at, record, keys, sha256);
  }

  /** The latest record, taken apart. */
  latest() {
    const record = decodeRecord(this.records.at(-1) ?? new Uint8Array());
    if (record === undefined) throw new Error('there is no record');
    return record;
  }
}
