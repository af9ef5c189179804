import { Buffer } from 'node:buffer';
import { GroupKeyRequest } from '@sotto/proto';
import fc from 'fast-check';
import { defaultPlatform } from '#platform';
import { verifyDeviceList } from '../src/devices/device-list.ts';
import { type GroupRules, groupRules } from '../src/groups/change-rules.ts';
import type { GroupActor } from '../src/groups/device-proof.ts';
import { evaluate, needsNewKey } from '../src/groups/evaluate.ts';
import { keyCommitment, newGroupKey } from '../src/groups/group-cipher.ts';
import { type GroupPosition, startOfGroup } from '../src/groups/group-head.ts';
import { newWireId } from '../src/groups/group-id.ts';
import { answerKeyRequest, type CommittedKey, writeKeyRequest } from '../src/groups/group-keys.ts';
import type { GroupOperation } from '../src/groups/group-operation.ts';
import { decodeRecord, encodeRecord } from '../src/groups/group-record.ts';
import { encodeState, type GroupState, memberOf } from '../src/groups/group-state.ts';
import { joinProof } from '../src/groups/join-proof.ts';
import type { OperationRules } from '../src/groups/operation-rules.ts';
import { rebase } from '../src/groups/rebase.ts';
import { type GroupChange, signChange } from '../src/groups/signed-change.ts';
import { sealRecord, writeRecord } from '../src/groups/write-record.ts';
import type { UserId } from '../src/ports/ids.ts';
import { asText, forbidden } from './group-oracle.ts';
import { GroupPerson } from './group-person.ts';
import { userIdOf } from './numbered-uuid.ts';

const { sha256, randomness } = defaultPlatform();
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
/** The device that the relay's friends have stolen. */
const stolen = 2;

/** One step of a run: what happens, and three numbers that choose by whom, to whom, how. */
export interface GroupCommand {
  readonly kind: (typeof kinds)[number];
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

const kinds = [
  ...(['act', 'act', 'act', 'act', 'devices', 'fetch', 'keys', 'race'] as const),
  ...(['fork', 'forge', 'forge', 'forge', 'lie'] as const),
];

/** Runs of up to 30 steps. */
export const groupCommands: fc.Arbitrary<readonly GroupCommand[]> = fc.array(
  fc.record({ kind: fc.constantFrom(...kinds), a: fc.nat(999), b: fc.nat(999), c: fc.nat(999) }),
  { minLength: 4, maxLength: 30, size: 'max' },
);

/** The rules with every operation allowed to everybody: what a forger reckons with. */
export const lawless: OperationRules = Object.fromEntries(
  Object.entries(groupRules.operations).map(([type, rule]) => [type, { ...rule, allows: () => true }]),
) as unknown as OperationRules;

/** An honest client: what it evaluated, and the keys that have reached it. */
interface ModelClient {
  readonly person: GroupPerson;
  branch: number;
  at: GroupPosition;
  /** It knows the group: from its creation, or by a welcome. */
  isIn: boolean;
  /** Nobody has told it a false state. */
  truthful: boolean;
  /** SHA-256 over the records before it. */
  log: string;
  readonly keys: Map<string, Uint8Array>;
  readonly onTheWay: CommittedKey[];
  /** What it opened records with, and what it was welcomed with. */
  readonly used: CommittedKey[];
  readonly barred: Set<string>;
}

/**
 * Several honest clients of one group, and against them a relay that shows each of them what it likes, a malicious member, a stolen device, and everything they know: all state keys.
 *
 * `check` throws what an honest client must never come to.
 */
export class GroupModel {
  readonly #rules: GroupRules;
  readonly #wireId = newWireId(randomness);
  readonly #people = [0, 1, 2, 3, 4, 5].map((number) => new GroupPerson(userIdOf(number + 1)));
  readonly #mallory = this.#person(4);
  readonly #clients: ModelClient[];
  readonly #branches: Uint8Array[][] = [[]];
  readonly #allKeys = new Map<string, Uint8Array>();
  readonly #links = new Set<string>();
  /** What honest devices have signed, as text, with the version of their list. */
  readonly #honest = new Map<string, number>();
  readonly #revokedAt = new Map<UserId, number>();
  /** By head: the state and the log that it stands for. */
  readonly #heads = new Map<string, string>();
  /** How many records honest clients have applied. */
  applied = 0;

  constructor(rules: GroupRules) {
    this.#rules = rules;
    this.#clients = [0, 1, 2, 3, 5].map((number) => ({
      person: this.#person(number),
      branch: 0,
      at: startOfGroup(this.#wireId),
      isIn: number !== 5,
      truthful: true,
      log: '',
      keys: new Map(),
      onTheWay: [],
      used: [],
      barred: new Set(),
    }));
    const [owner, ...others] = [0, 1, 2, 3, 4].map((number) => this.#person(number).candidate());
    if (owner === undefined) throw new Error('nobody is there');
    const settings = { add: 'admins', edit: 'admins' } as const;
    this.#write(this.#client(0), [
      { type: 'create', rules: 1, title: 'Rowers', avatar: undefined, settings, owner, members: others },
    ]);
    for (const client of this.#clients) this.#arrive(client, 99);
  }

  run({ kind, a, b, c }: GroupCommand): void {
    const client = this.#client(a);
    if (kind === 'act') this.#act(client, b, c, true);
    else if (kind === 'race') this.#act(client, b, c, false);
    else if (kind === 'devices') this.#noteDevices(this.#client(a % 2));
    else if (kind === 'fetch') this.#fetch(client, 1 + (b % 4));
    else if (kind === 'keys') this.#arrive(client, 1 + (b % 3));
    else if (kind === 'fork') this.#fork(a, b, c);
    else if (kind === 'forge') this.#forge(a, b, c);
    else this.#lie(client, b);
  }

  /** Everything that is on its way arrives; then those who have the same log are at the same place. */
  settle(): void {
    for (let goesOn = true; goesOn; ) {
      goesOn = false;
      for (const client of this.#clients) {
        if (this.#catchUp(client) > 0) goesOn = true;
        if (this.#ask(client)) goesOn = true;
      }
    }
    for (const [index, branch] of this.#branches.entries()) {
      const log = branch.reduce((before, record) => this.#log(before, record), '');
      const done = this.#clients.filter((one) => one.branch === index && one.truthful && one.log === log);
      const [first] = done;
      if (first === undefined) continue;
      for (const late of this.#clients) {
        const self = memberOf(first.at.state, late.person.userId);
        const known = late.at.state.revision;
        const shares = log !== '' && late.log === branch.slice(0, known).reduce((l, r) => this.#log(l, r), '');
        if (late.branch !== index || !late.isIn || !late.truthful || !shares || self === undefined) continue;
        if (self.joinedAtRevision <= known && known < branch.length) throw new Error('an honest client is stuck');
      }
    }
  }

  /** Asks all others for the key that it waits for. Whether somebody gave it. */
  #ask(client: ModelClient): boolean {
    const record = client.isIn ? this.#branch(client)[client.at.state.revision] : undefined;
    const waiting = record && decodeRecord(record);
    if (waiting === undefined || client.keys.has(hex(waiting.keyCommitment))) return false;
    const request = GroupKeyRequest.decode(GroupKeyRequest.encode(writeKeyRequest(this.#wireId, [waiting])));
    const given = this.#clients.flatMap(({ at, used }) =>
      answerKeyRequest(request, client.person.userId, at.state, used),
    );
    for (const one of given) client.keys.set(hex(waiting.keyCommitment), one.key);
    return given.length > 0;
  }

  /** An honest person does something that they may, on what they know. */
  #act(client: ModelClient, b: number, c: number, upToDate: boolean): void {
    if (!client.isIn) {
      this.#comeByLink(client);
      return;
    }
    if (upToDate) this.#catchUp(client);
    for (let tries = 0; tries < 4; tries++) {
      const operation = this.#operation(client, b + tries, c);
      if (operation !== undefined && this.#write(client, [operation])) return;
    }
  }

  /** First a device is linked, which is stolen; then it is revoked. */
  #noteDevices(client: ModelClient): void {
    if (!client.isIn) return;
    this.#catchUp(client);
    const { person } = client;
    if (person.version === 1) person.linkDevice(stolen);
    else if (person.version === 2) {
      person.revokeDevice(stolen);
      this.#revokedAt.set(person.userId, person.version);
    }
    this.#write(client, [{ type: 'note-devices', version: person.version, revoked: person.version === 3 }]);
  }

  #catchUp(client: ModelClient): number {
    this.#arrive(client, 99);
    return this.#fetch(client, 99);
  }

  #comeByLink(client: ModelClient): void {
    const host = this.#clients.find((one) => one.isIn && one.at.state.invite !== undefined);
    const invite = host?.at.state.invite;
    const key = host?.keys.get(hex(host.at.state.keyCommitment));
    if (host === undefined || invite === undefined || key === undefined) return;
    const who = client.person.candidate();
    const proof = joinProof(invite.key, this.#wireId, who, host.at.head);
    client.keys.set(hex(host.at.state.keyCommitment), key);
    client.used.push({ ...host.at.state, key });
    Object.assign(client, { at: host.at, isIn: true, truthful: host.truthful, log: host.log, branch: host.branch });
    this.#write(client, [{ type: invite.approval ? 'request-join' : 'join', who, proof }]);
  }

  #operation({ at }: ModelClient, b: number, c: number): GroupOperation | undefined {
    const { state } = at;
    const target = this.#person(c);
    const userId = target.userId;
    const [request] = state.requests;
    if (request !== undefined && b % 3 === 0)
      return { type: c % 4 === 0 ? 'decline' : 'approve', userId: request.userId };
    const choices: readonly (() => GroupOperation | undefined)[] = [
      () => ({ type: 'set-title', title: `title ${c}` }),
      () => ({ type: 'add-members', members: [target.candidate()] }),
      () => ({ type: 'remove-members', userIds: [userId] }),
      () => ({ type: 'set-role', userId, role: c % 3 === 0 ? 'member' : 'admin' }),
      () => ({ type: 'transfer-ownership', userId }),
      () => ({
        type: 'set-settings',
        settings: { add: c % 2 === 0 ? 'admins' : 'members', edit: c % 3 === 0 ? 'admins' : 'members' },
      }),
      () => {
        const key = randomness.bytes(32);
        this.#links.add(hex(key));
        return { type: 'set-invite', invite: { id: randomness.bytes(16), key, approval: c % 2 === 0 } };
      },
      () => ({ type: 'revoke-invite' }),
      () => (c % 4 === 0 ? { type: 'leave' } : undefined),
      () => ({
        type: 'set-avatar',
        avatar: { hash: randomness.bytes(32), key: randomness.bytes(32), location: randomness.bytes(c % 65) },
      }),
    ];
    return choices[b % choices.length]?.();
  }

  /** Writes by the rules, gives new keys to those who remain, and puts; at most three times. Whether the relay took it. */
  #write(client: ModelClient, operations: readonly GroupOperation[]): boolean {
    let left = operations;
    for (let attempt = 0; attempt < 3; attempt++) {
      const before = client.at;
      const keys = (_: number, commitment: Uint8Array) => client.keys.get(hex(commitment));
      if (!needsNewKey(before.state) && keys(0, before.state.keyCommitment) === undefined) return false;
      const actor = client.person.actor();
      const written = writeRecord({ before, actor, operations: left, now: 5 }, keys, { sha256, randomness });
      if (typeof written === 'string') return false;
      const { address } = actor;
      const { revision } = written.at.state;
      this.#honest.set(
        asText({ actor: address, revision, head: before.head, operations: left }),
        client.person.version,
      );
      if (written.isNewKey) {
        const members = new Set(written.at.state.members.map(({ userId }) => userId));
        this.#spread({ ...written.key, keyCommitment: written.at.state.keyCommitment }, (one) => members.has(one));
      }
      this.#arrive(client, 99);
      const branch = this.#branch(client);
      if (branch.length === before.state.revision) {
        branch.push(written.record);
        this.#fetch(client, 1);
        this.#welcome(client, left);
        return true;
      }
      if (this.#fetch(client, 99) === 0) return false;
      const list = verifyDeviceList(actor.deviceList, address.userId, sha256);
      left = rebase(left, client.at, { actor: address.userId, list }).operations;
      if (left.length === 0) return false;
    }
    return false;
  }

  /** Who was added is told the truth, as far as the adder knows it. */
  #welcome(host: ModelClient, operations: readonly GroupOperation[]): void {
    for (const guest of this.#clients) {
      const { userId } = guest.person;
      const isAdded = operations.some((one) =>
        one.type === 'add-members'
          ? one.members.some((who) => who.userId === userId)
          : one.type === 'approve' && one.userId === userId,
      );
      const key = host.keys.get(hex(host.at.state.keyCommitment));
      if (!isAdded || memberOf(host.at.state, userId) === undefined || key === undefined) continue;
      guest.keys.set(hex(host.at.state.keyCommitment), key);
      guest.used.push({ ...host.at.state, key });
      const { at, truthful, log, branch } = host;
      Object.assign(guest, { at, truthful, log, branch, isIn: true, barred: new Set(host.barred) });
    }
  }

  #spread(key: CommittedKey, isTo: (userId: UserId) => boolean): void {
    this.#allKeys.set(hex(key.keyCommitment), key.key);
    for (const one of this.#clients) if (isTo(one.person.userId)) one.onTheWay.push(key);
  }

  #arrive(client: ModelClient, count: number): void {
    for (const key of client.onTheWay.splice(0, count)) client.keys.set(hex(key.keyCommitment), key.key);
  }

  /** How many records were evaluated. */
  #fetch(client: ModelClient, count: number): number {
    let done = 0;
    while (client.isIn && done < count && this.#step(client)) done++;
    return done;
  }

  #step(client: ModelClient): boolean {
    const before = client.at;
    const record = this.#branch(client)[before.state.revision];
    if (record === undefined) return false;
    const keys = (_: number, commitment: Uint8Array) => client.keys.get(hex(commitment));
    const { at, verdict } = evaluate(before, record, keys, sha256, this.#rules);
    if (verdict.type === 'waits-for-key') return false;
    if (verdict.type === 'applied') this.#check(client, before, at.state, verdict.change);
    else if (asText({ ...before.state, revision: 0 }) !== asText({ ...at.state, revision: 0 })) {
      throw new Error('a void record has changed the state');
    }
    const opened = decodeRecord(record);
    const key = opened && client.keys.get(hex(opened.keyCommitment));
    if (opened && key) client.used.push({ ...opened, key });
    client.at = at;
    client.log = this.#log(client.log, record);
    const stands = `${hex(encodeState(at.state))} ${client.log}`;
    const known = this.#heads.get(hex(at.head)) ?? stands;
    if (known !== stands) throw new Error('equal heads stand for different states or logs');
    this.#heads.set(hex(at.head), stands);
    return true;
  }

  /** What an honest client has applied is allowed, and was said for this history by one who may still speak. */
  #check(client: ModelClient, before: GroupPosition, after: GroupState, change: GroupChange): void {
    this.applied++;
    const { userId, deviceId } = change.actor;
    const reason = forbidden(before.state, after, userId, (key) => this.#links.has(hex(key)));
    if (reason !== undefined) throw new Error(`authority: ${reason}`);
    if (userId === this.#mallory.userId) return;
    if (deviceId === stolen) {
      if (client.barred.has(userId)) throw new Error('a revoked device has acted');
      return;
    }
    const { revision, previousHead, operations, actor } = change;
    const version = this.#honest.get(asText({ actor, revision, head: previousHead, operations }));
    if (version === undefined) throw new Error('an honest device never said this');
    if (hex(previousHead) !== hex(before.head)) throw new Error('a change was applied to another history');
    if (version >= (this.#revokedAt.get(userId) ?? Number.POSITIVE_INFINITY)) client.barred.add(userId);
  }

  /** The relay shows some clients another log: from a revision on, or one that was cut. */
  #fork(a: number, b: number, c: number): void {
    if (this.#branches.length >= 4) return;
    const from = this.#branches[a % this.#branches.length] ?? [];
    this.#branches.push(from.slice(0, Math.max(1, from.length - (b % 4))));
    for (const [at, client] of this.#clients.entries()) {
      if (((c >> at) & 1) === 1) client.branch = this.#branches.length - 1;
    }
  }

  /** A false welcome: the right head, and another state. */
  #lie(client: ModelClient, b: number): void {
    const { state } = client.at;
    if (!client.isIn || state.members.length === 0) return;
    const members = state.members.map((one) =>
      one.userId === this.#mallory.userId ? { ...one, role: 'admin' as const } : one,
    );
    const hasOwner = members.some(({ role }) => role === 'owner');
    const told = b % 2 === 0 && hasOwner ? { ...state, members } : { ...state, title: 'a lie' };
    Object.assign(client, {
      at: { ...client.at, state: told },
      truthful: asText(told) === asText(state) && client.truthful,
    });
  }

  /** The relay puts what it likes at the end of a branch. */
  #forge(a: number, b: number, c: number): void {
    const index = a % this.#branches.length;
    const branch = this.#branches[index] ?? [];
    const record = this.#forged(index, branch, b, c);
    if (record !== undefined) branch.push(record);
  }

  #forged(index: number, branch: readonly Uint8Array[], b: number, c: number): Uint8Array | undefined {
    const other = this.#branches[c % this.#branches.length] ?? [];
    if (b % 8 === 0) return randomness.bytes(c % 300);
    if (b % 8 === 1) return other[c % Math.max(1, other.length)];
    // The honest record of another history, at the same revision.
    if (b % 8 === 2 || b % 8 === 3) {
      return this.#branches.find((one) => one.length > branch.length && one !== branch)?.[branch.length];
    }
    const spy = this.#clients.find((one) => one.branch === index && one.isIn && one.truthful);
    if (spy === undefined) return undefined;
    this.#catchUp(spy);
    if (spy.at.state.revision !== branch.length) return undefined;
    const victim = this.#person(c);
    const operation = this.#operation(spy, b >> 3, c >> 2);
    if (operation === undefined) return undefined;
    if (b % 8 === 4) return this.#sealed(spy.at, this.#mallory.actor(), operation, c);
    // As somebody else, by the own key, and by a device of theirs that was stolen.
    if (b % 8 === 5)
      return this.#sealed(spy.at, { ...victim.actor(), deviceKey: this.#mallory.actor().deviceKey }, operation, c);
    const robbed = this.#people.filter(({ version }) => version >= 2);
    const loser = robbed[c % Math.max(1, robbed.length)];
    if (loser) return this.#sealed(spy.at, loser.actor(stolen, 2), c % 2 === 0 ? { type: 'leave' } : operation, c);
    const genuine = branch.at(-1);
    const cut = genuine && decodeRecord(genuine);
    const revision = branch.length + 1;
    return (
      cut && encodeRecord({ ...cut, revision, ciphertext: cut.ciphertext.with(c % cut.ciphertext.length, c % 256) })
    );
  }

  /** A record that is in order but for what its actor may do; now and then for its key, too. */
  #sealed(at: GroupPosition, actor: GroupActor, operation: GroupOperation, c: number): Uint8Array | undefined {
    const { state, head } = at;
    const isNewKey = needsNewKey(state) !== (c % 11 === 0);
    const key = isNewKey ? newGroupKey(randomness) : this.#allKeys.get(hex(state.keyCommitment));
    if (key === undefined) return undefined;
    const keyEpoch = state.keyEpoch + (isNewKey ? 1 : 0);
    const revision = state.revision + 1;
    const commitment = keyCommitment(this.#wireId, { keyEpoch, key }, sha256);
    this.#spread({ keyEpoch, key, keyCommitment: commitment }, () => true);
    const header = { wireId: this.#wireId, revision, keyEpoch, keyCommitment: commitment };
    const operations = [operation];
    const change = { wireId: this.#wireId, revision, previousHead: head, createdAt: 6, operations };
    return sealRecord(header, signChange(change, actor), key, randomness);
  }

  #log(before: string, record: Uint8Array): string {
    return hex(sha256(Buffer.from(before), record));
  }

  #branch(client: ModelClient): Uint8Array[] {
    return this.#branches[client.branch] ?? [];
  }

  #person(number: number): GroupPerson {
    const person = this.#people[number % this.#people.length];
    if (person === undefined) throw new Error('nobody is there');
    return person;
  }

  #client(number: number): ModelClient {
    const client = this.#clients[number % this.#clients.length];
    if (client === undefined) throw new Error('nobody is there');
    return client;
  }
}

/** One run of the model under rules, which may have a hole. */
export function groupProperty(rules: GroupRules, onRun?: (model: GroupModel) => void) {
  return fc.property(groupCommands, (commands) => {
    const model = new GroupModel(rules);
    for (const command of commands) model.run(command);
    model.settle();
    onRun?.(model);
  });
}
