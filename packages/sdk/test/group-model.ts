import { Buffer } from 'node:buffer';
import { GroupKeyRequest } from '@sotto/proto';
import fc from 'fast-check';
import { defaultPlatform } from '#platform';
import type { GroupRules } from '../src/groups/change-rules.ts';
import { startOfGroup } from '../src/groups/group-head.ts';
import { newWireId } from '../src/groups/group-id.ts';
import { answerKeyRequest, type CommittedKey, writeKeyRequest } from '../src/groups/group-keys.ts';
import type { GroupOperation } from '../src/groups/group-operation.ts';
import { memberOf } from '../src/groups/group-state.ts';
import { joinProof } from '../src/groups/join-proof.ts';
import { rebase } from '../src/groups/rebase.ts';
import type { GroupChange } from '../src/groups/signed-change.ts';
import { writeRecord } from '../src/groups/write-record.ts';
import type { UserId } from '../src/ports/ids.ts';
import { asText, forbidden } from './group-oracle.ts';
import { GroupRelay } from './group-relay.ts';
import { logAfter, ModelClient } from './model-client.ts';
import { type ModelEvaluation, ModelEvaluations } from './model-evaluations.ts';
import { modelOperation } from './model-operation.ts';
import { ModelPerson, stolen } from './model-person.ts';

const { sha256, randomness } = defaultPlatform();
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const kinds = [
  ...(['act', 'act', 'act', 'act', 'devices', 'fetch', 'keys', 'race', 'talk'] as const),
  ...(['fork', 'forge', 'forge', 'forge', 'lie'] as const),
];

/** All runs begin with the same group of five. */
const founded = found();

/** One step of a run: what happens, and three numbers that choose by whom, to whom, how. */
export interface GroupCommand {
  readonly kind: (typeof kinds)[number];
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** Runs of up to 26 steps; of some kinds more than of others. */
export function groupCommands(more: readonly GroupCommand['kind'][] = []): fc.Arbitrary<readonly GroupCommand[]> {
  const kind = fc.constantFrom(...kinds, ...more);
  const command = fc.record({ kind, a: fc.nat(999), b: fc.nat(999), c: fc.nat(999) });
  return fc.array(command, { minLength: 4, maxLength: 26, size: 'max' });
}

/**
 * Several honest clients of one group, and against them a relay that shows each of them what it likes, a malicious member, a stolen device, and everything they know: all state keys.
 *
 * It throws what an honest client must never come to: what is not allowed, another state than others of the same head, or a standstill. Of the members that have one log all come to one state; those who talk and have different ones refuse to go on.
 */
export class GroupModel {
  readonly #wireId = founded.wireId;
  readonly #people = [0, 1, 2, 3, 4, 5].map((number) => new ModelPerson(number));
  readonly #mallory = this.#person(4);
  readonly #clients: readonly ModelClient[];
  readonly #evaluations: ModelEvaluations;
  readonly #relay: GroupRelay;
  readonly #allKeys = new Map<string, Uint8Array>();
  readonly #links = new Set<string>();
  /** What honest devices have signed, as text, with the version of their list. */
  readonly #honest = new Map<string, number>();
  readonly #revokedAt = new Map<UserId, number>();
  /** By head: the state and the log that it stands for. */
  readonly #heads = new Map<string, string>();
  /** How many records honest clients have applied. */
  applied = 0;
  /** How many pairs of members ended at one place that had more than the creation in common. */
  together = 0;
  /** How many clients have seen that there is another log, or another state, and went no further. */
  refused = 0;

  constructor(rules: GroupRules) {
    this.#evaluations = new ModelEvaluations(rules);
    const start = startOfGroup(this.#wireId);
    this.#clients = [0, 1, 2, 3, 5].map((number) => new ModelClient(this.#person(number), start, number !== 5));
    this.#relay = new GroupRelay({
      wireId: this.#wireId,
      mallory: this.#mallory,
      people: this.#people,
      allKeys: this.#allKeys,
      newLink: () => this.#newLink(),
      spread: (key) => this.#spread(key, () => true),
    });
    const { record, keyEpoch, key } = founded;
    this.#honest.set(founded.said, 1);
    const { userId: guest } = this.#person(5);
    this.#spread({ keyEpoch, key, keyCommitment: founded.keyCommitment }, (one) => one !== guest);
    for (const client of this.#clients) client.arrive();
    this.#branch(this.#client(0)).push(record);
    this.#fetch(this.#client(0), 1);
  }

  run({ kind, a, b, c }: GroupCommand): void {
    const client = this.#client(a);
    if (kind === 'act') this.#act(client, b, c, true);
    else if (kind === 'race') this.#act(client, b, c, false);
    else if (kind === 'devices') this.#noteDevices(this.#client(a % 2));
    else if (kind === 'fetch') this.#fetch(client, 1 + (b % 4));
    else if (kind === 'keys') client.arrive(1 + (b % 3));
    else if (kind === 'talk') this.#talk(client, this.#client(b));
    else if (kind === 'fork') this.#relay.fork(this.#clients, a, b, c);
    else if (kind === 'forge') this.#forge(a, b, c);
    else this.#relay.lie(client, b);
  }

  /** Everything that is on its way arrives; then those who have the same log are at the same place, and those who have not see it. */
  settle(): void {
    for (let goesOn = true; goesOn; ) {
      goesOn = false;
      for (const client of this.#clients) {
        if (this.#catchUp(client) > 0) goesOn = true;
        if (this.#ask(client)) goesOn = true;
      }
    }
    for (const [index, branch] of this.#relay.branches.entries()) {
      const logs = [''];
      for (const record of branch) logs.push(logAfter(logs.at(-1) ?? '', record));
      const log = logs.at(-1) ?? '';
      const [first] = this.#clients.filter((one) => one.branch === index && one.truthful && one.log === log);
      if (first === undefined) continue;
      for (const late of this.#clients) {
        const self = memberOf(first.at.state, late.person.userId);
        const known = late.at.state.revision;
        const shares = log !== '' && late.log === logs[known];
        if (late.branch !== index || !late.isIn || late.refused || !late.truthful || !shares || self === undefined)
          continue;
        if (self.joinedAtRevision <= known && known < branch.length) throw new Error('an honest client is stuck');
      }
    }
    for (const one of this.#clients) for (const other of this.#clients) this.#talk(one, other);
    this.refused = this.#clients.filter((one) => one.refused).length;
    for (const one of this.#clients) {
      for (const other of this.#clients) {
        if (one.refused || other.refused) continue;
        const agreed = one.agreesWith(other);
        if (agreed === false) throw new Error('honest clients went apart without a word');
        if (one !== other && agreed === true && one.at.state.revision > 1) this.together++;
      }
    }
  }

  /** Messages carry where their sender is: who sees another head for a revision has done with this relay. */
  #talk(one: ModelClient, other: ModelClient): void {
    if (one.agreesWith(other) === false) {
      one.refused = true;
      other.refused = true;
    }
  }

  /** Asks all others for the key that it waits for. Whether somebody gave it. */
  #ask(client: ModelClient): boolean {
    const record = client.isIn && !client.refused ? this.#branch(client)[client.at.state.revision] : undefined;
    const evaluated = record && this.#evaluations.of(client.at, record, client.source);
    const { wanted } = evaluated?.verdict.type === 'waits-for-key' ? evaluated : { wanted: undefined };
    if (wanted === undefined) return false;
    const request = GroupKeyRequest.decode(GroupKeyRequest.encode(writeKeyRequest(this.#wireId, [wanted])));
    const given = this.#clients.flatMap(({ at, used }) =>
      answerKeyRequest(request, client.person.userId, at.state, used),
    );
    for (const one of given) client.keys.set(hex(wanted.keyCommitment), one.key);
    return given.length > 0;
  }

  /** An honest person does something that they may, on what they know. */
  #act(client: ModelClient, b: number, c: number, upToDate: boolean): void {
    if (client.refused) return;
    if (!client.isIn) {
      this.#comeByLink(client);
      return;
    }
    if (upToDate) this.#catchUp(client);
    for (let tries = 0; tries < 4; tries++) {
      const operation = modelOperation(client.at.state, this.#person(c), b + tries, c, () => this.#newLink());
      const isAllowed = operation && rebase([operation], client.at, client.person.rebasing).operations.length > 0;
      if (isAllowed && this.#write(client, [operation])) return;
    }
  }

  /** First a device is linked, which is stolen; then it is revoked. */
  #noteDevices(client: ModelClient): void {
    if (!client.isIn || client.refused) return;
    this.#catchUp(client);
    const { person } = client;
    if (person.version < 3) person.version++;
    if (person.version === 3 && !this.#revokedAt.has(person.userId)) this.#revokedAt.set(person.userId, 3);
    this.#write(client, [{ type: 'note-devices', version: person.version, revoked: person.version === 3 }]);
  }

  #catchUp(client: ModelClient): number {
    client.arrive();
    return this.#fetch(client, Number.POSITIVE_INFINITY);
  }

  #comeByLink(client: ModelClient): void {
    const host = this.#clients.find((one) => one.isIn && one.at.state.invite !== undefined);
    const invite = host?.at.state.invite;
    const key = host?.keys.get(hex(host.at.state.keyCommitment));
    if (host === undefined || invite === undefined || key === undefined) return;
    const who = client.person.candidate();
    const proof = joinProof(invite.key, this.#wireId, who, host.at.head);
    client.believe(host, key);
    this.#write(client, [{ type: invite.approval ? 'request-join' : 'join', who, proof }]);
  }

  /** Writes by the rules, gives new keys to those who remain, and puts; at most three times. Whether the relay took it. */
  #write(client: ModelClient, operations: readonly GroupOperation[]): boolean {
    let left = operations;
    for (let attempt = 0; attempt < 3; attempt++) {
      const before = client.at;
      if (before.state.keyEpoch > 0 && client.source(0, before.state.keyCommitment) === undefined) return false;
      const actor = client.person.actor();
      const change = { before, actor, operations: left, now: 5 };
      const written = writeRecord(change, client.source, { sha256, randomness });
      if (typeof written === 'string') return false;
      const { address } = actor;
      const { revision } = written.at.state;
      const said = asText({ actor: address, revision, head: before.head, operations: left });
      this.#honest.set(said, client.person.version);
      if (written.isNewKey) {
        const members = new Set(written.at.state.members.map(({ userId }) => userId));
        this.#spread({ ...written.key, keyCommitment: written.at.state.keyCommitment }, (one) => members.has(one));
      }
      client.arrive();
      const branch = this.#branch(client);
      if (branch.length === before.state.revision) {
        branch.push(written.record);
        this.#fetch(client, 1);
        this.#welcome(client, left);
        return true;
      }
      if (this.#fetch(client, Number.POSITIVE_INFINITY) === 0) return false;
      left = rebase(left, client.at, client.person.rebasing).operations;
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
      guest.believe(host, key);
    }
  }

  #newLink(): Uint8Array {
    const key = randomness.bytes(32);
    this.#links.add(hex(key));
    return key;
  }

  #spread(key: CommittedKey, isTo: (userId: UserId) => boolean): void {
    this.#allKeys.set(hex(key.keyCommitment), key.key);
    for (const one of this.#clients) if (isTo(one.person.userId)) one.onTheWay.push(key);
  }

  /** How many records were evaluated. */
  #fetch(client: ModelClient, count: number): number {
    let done = 0;
    while (client.isIn && !client.refused && done < count && this.#step(client)) done++;
    return done;
  }

  #step(client: ModelClient): boolean {
    const before = client.at;
    const record = this.#branch(client)[before.state.revision];
    if (record === undefined) return false;
    const evaluated = this.#evaluations.of(before, record, client.source);
    const { at, verdict, wanted } = evaluated;
    if (verdict.type === 'waits-for-key') return false;
    if (verdict.type === 'applied') this.#check(client, evaluated, verdict.change);
    else if (asText({ ...before.state, revision: 0 }) !== asText({ ...at.state, revision: 0 })) {
      throw new Error('a void record has changed the state');
    }
    const key = wanted && client.source(wanted.keyEpoch, wanted.keyCommitment);
    client.advance(at, record, wanted && key && { ...wanted, key });
    const stands = `${evaluated.state} ${client.log}`;
    const known = this.#heads.get(evaluated.head) ?? stands;
    if (known !== stands) throw new Error('equal heads stand for different states or logs');
    this.#heads.set(evaluated.head, stands);
    return true;
  }

  /** What an honest client has applied is allowed, and was said for this history by one who may still speak. */
  #check(client: ModelClient, { at }: ModelEvaluation, change: GroupChange): void {
    this.applied++;
    const before = client.at;
    const { userId, deviceId } = change.actor;
    const reason = forbidden(before.state, at.state, userId, (key) => this.#links.has(hex(key)));
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

  #forge(a: number, b: number, c: number): void {
    const index = a % this.#relay.branches.length;
    const spy = this.#clients.find((one) => one.branch === index && one.isIn && one.truthful && !one.refused);
    if (spy !== undefined) this.#catchUp(spy);
    this.#relay.forge(index, spy?.at, b, c);
  }

  #branch(client: ModelClient): Uint8Array[] {
    return this.#relay.branches[client.branch] ?? [];
  }

  #person(number: number): ModelPerson {
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

function found() {
  const wireId = newWireId(randomness);
  const before = startOfGroup(wireId);
  const [owner, ...members] = [0, 1, 2, 3, 4].map((number) => new ModelPerson(number).candidate());
  if (owner === undefined) throw new Error('nobody is there');
  const settings = { add: 'admins', edit: 'admins' } as const;
  const operations: readonly GroupOperation[] = [
    { type: 'create', rules: 1, title: 'Rowers', avatar: undefined, settings, owner, members },
  ];
  const actor = new ModelPerson(0).actor();
  const written = writeRecord({ before, actor, operations, now: 5 }, () => undefined, { sha256, randomness });
  if (typeof written === 'string') throw new Error(`the group was not founded: ${written}`);
  const { keyCommitment } = written.at.state;
  const said = asText({ actor: actor.address, revision: 1, head: before.head, operations });
  return { wireId, record: written.record, ...written.key, keyCommitment, said };
}

/** One run of the model under rules, which may have a hole. */
export function groupProperty(rules: GroupRules, onRun?: (model: GroupModel) => void, commands = groupCommands()) {
  return fc.property(commands, (steps) => {
    const model = new GroupModel(rules);
    for (const step of steps) model.run(step);
    model.settle();
    onRun?.(model);
  });
}
