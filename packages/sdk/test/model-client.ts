import { Buffer } from 'node:buffer';
import { defaultPlatform } from '#platform';
import type { KeySource } from '../src/groups/evaluate.ts';
import type { GroupPosition } from '../src/groups/group-head.ts';
import type { CommittedKey } from '../src/groups/group-keys.ts';
import { memberOf } from '../src/groups/group-state.ts';
import type { ModelPerson } from './model-person.ts';

const { sha256 } = defaultPlatform();
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** What somebody has come to at a revision. */
export interface Milestone {
  readonly head: string;
  /** SHA-256 over the records up to it. */
  readonly log: string;
  /** Nobody had told a false state before. */
  readonly truthful: boolean;
}

/** An honest client: what it evaluated, and the keys that have reached it. */
export class ModelClient {
  readonly person: ModelPerson;
  /** Which of the relay's logs it is shown. */
  branch = 0;
  at: GroupPosition;
  /** It knows the group: from its creation, or by a welcome. */
  isIn: boolean;
  /** Nobody has told it a false state. */
  truthful = true;
  /** It has learned that the relay shows others another log, and does nothing any more. */
  refused = false;
  log = '';
  milestones = new Map<number, Milestone>();
  barred = new Set<string>();
  readonly keys = new Map<string, Uint8Array>();
  readonly onTheWay: CommittedKey[] = [];
  /** What it opened records with, and what it was welcomed with. */
  readonly used: CommittedKey[] = [];
  readonly source: KeySource = (_, commitment) => this.keys.get(hex(commitment));

  constructor(person: ModelPerson, at: GroupPosition, isIn: boolean) {
    this.person = person;
    this.at = at;
    this.isIn = isIn;
  }

  get isMember(): boolean {
    return this.isIn && memberOf(this.at.state, this.person.userId) !== undefined;
  }

  /** Keys that were sent reach it. */
  arrive(count = Number.POSITIVE_INFINITY): void {
    for (const key of this.onTheWay.splice(0, count)) this.keys.set(hex(key.keyCommitment), key.key);
  }

  /** Begins where another one is, whom it believes. */
  believe(host: ModelClient, key: Uint8Array): void {
    const { state } = host.at;
    this.keys.set(hex(state.keyCommitment), key);
    this.used.push({ keyEpoch: state.keyEpoch, keyCommitment: state.keyCommitment, key });
    const { at, truthful, log, branch } = host;
    Object.assign(this, { at, truthful, log, branch, isIn: true, barred: new Set(host.barred) });
    this.milestones = new Map();
    this.#mark();
  }

  /** Goes on to the position after a record. */
  advance(at: GroupPosition, record: Uint8Array, key: CommittedKey | undefined): void {
    this.at = at;
    this.log = logAfter(this.log, record);
    if (key !== undefined) this.used.push(key);
    this.#mark();
  }

  /** Takes another's word on revision and head, as messages carry them: whether both have come to the same there, if both were there. */
  agreesWith(other: ModelClient): boolean | undefined {
    const revision = Math.min(this.at.state.revision, other.at.state.revision);
    const [mine, theirs] = [this.milestones.get(revision), other.milestones.get(revision)];
    if (mine === undefined || theirs === undefined) return undefined;
    const isSame = mine.head === theirs.head;
    const isTrueLog = mine.log === theirs.log && mine.truthful && theirs.truthful;
    if (isTrueLog && !isSame) throw new Error('a fork was seen where there is none');
    return isSame;
  }

  #mark(): void {
    const { state, head } = this.at;
    this.milestones.set(state.revision, { head: hex(head), log: this.log, truthful: this.truthful });
  }
}

/** What stands for a log with one record more. */
export function logAfter(log: string, record: Uint8Array): string {
  return hex(sha256(Buffer.from(log), record));
}
