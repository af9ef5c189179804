import { Envelope, type Send, uuidToText } from '@sotto/proto';
import { rootKeyOf } from '../src/accounts/recovery-key.ts';
import { chatOfGroup, chatWith, openGroupChat } from '../src/chats/chat-state.ts';
import { Conversation } from '../src/chats/conversation.ts';
import { outgoingToGroup } from '../src/chats/group-outgoing.ts';
import { groupIdOf } from '../src/groups/group-id.ts';
import { groupRulesVersion } from '../src/groups/group-limits.ts';
import { encodeState } from '../src/groups/group-state.ts';
import { memberRowId } from '../src/groups/stored-group.ts';
import { type Message, toMessage } from '../src/messages/message.ts';
import type { GroupId, UserId } from '../src/ports/ids.ts';
import type { MessageRecord } from '../src/ports/message-record.ts';
import type { CertificateKeeper } from '../src/sealed/certificate-keeper.ts';
import { UnnamedWay } from '../src/sealed/unnamed-way.ts';
import { type CertificateMaker, certificateMaker } from './certificate-maker.ts';
import { ModelRelay } from './model-relay.ts';
import { type ReceivingDevice, receivingDevice } from './receiving-device.ts';
import { type BesideStream, type SendingDevice, sendingDevice } from './sending-device.ts';
import { deliveredOf, logger, meetDevice, reopened, sha256, type TestDevice, testDevice } from './test-device.ts';

/** Somebody with one device that sends and receives. */
export interface GroupPerson {
  device: TestDevice;
  readonly relay: ModelRelay;
  out: SendingDevice;
  in: ReceivingDevice;
  /** How much of what the relay took from them was handed on. */
  handed: number;
  /** Groups whose logs were asked for. */
  readonly refreshed: GroupId[];
  /** What it knows of keys that the relay did not take; forgotten at a restart. */
  ways: UnnamedWay;
}

/** A group as its members are to know it at a revision. */
export interface Standing {
  readonly revision: number;
  readonly members: readonly GroupPerson[];
}

const key = (fill: number) => new Uint8Array(32).fill(fill);

/** People in one process who have a group, without its log: what is known of it is put into their stores. */
export class GroupWorld {
  readonly people: GroupPerson[] = [];
  readonly wireId = new Uint8Array(32).fill(7);
  readonly groupId = groupIdOf(this.wireId, sha256);
  readonly chatId = chatOfGroup(this.groupId);
  /** All that relays took, with its author. */
  readonly taken: { readonly from: GroupPerson; readonly send: Send }[] = [];
  readonly #unacked = new Map<GroupPerson, Set<Uint8Array>>();
  /** What is not handed on, as long as it is undefined: nothing. */
  lost: (send: Send, to: GroupPerson) => boolean = () => false;
  /** What somebody's client does to bring its knowledge of the group up to date. */
  refresh: (person: GroupPerson) => Promise<void> = async () => undefined;
  /** Who makes certificates of senders; undefined where nobody seals. */
  readonly maker: CertificateMaker | undefined;

  private constructor(maker: CertificateMaker | undefined) {
    this.maker = maker;
  }

  /**
   * So many people, the first one the owner, all of whom know a group with all of them at revision 1.
   * @param senders whether the relay is told who sends
   */
  static async of(count: number, senders: 'named' | 'sealed' = 'named'): Promise<GroupWorld> {
    const world = new GroupWorld(senders === 'sealed' ? certificateMaker() : undefined);
    for (let at = 0; at < count; at++) await world.newcomer();
    await world.know({ revision: 1, members: world.people });
    return world;
  }

  /** As `of`, all of whom have sessions with each other, and are connected. */
  static async talking(count: number, senders: 'named' | 'sealed' = 'named'): Promise<GroupWorld> {
    const world = await GroupWorld.of(count, senders);
    for (const person of world.people) {
      for (const other of world.people) if (other !== person) await meetDevice(person.device, other.device);
    }
    await world.connect(...world.people);
    return world;
  }

  /** Somebody who is no member. */
  async newcomer(): Promise<GroupPerson> {
    const device = await testDevice();
    const relay = new ModelRelay();
    const person = { device, relay, handed: 0, refreshed: [] } as unknown as GroupPerson;
    this.#equip(person);
    this.people.push(person);
    return person;
  }

  /** A person's device is started anew, as after a crash. */
  async restart(person: GroupPerson): Promise<void> {
    person.relay.disconnect();
    person.device = await reopened(person.device);
    this.#equip(person);
  }

  /** Lets people know the group as it is at a revision; all who are or were members when left out. */
  async know({ revision, members }: Standing, knowing: readonly GroupPerson[] = this.people): Promise<void> {
    for (const person of knowing) await this.#know(person, revision, members);
  }

  /** The head of the group after a revision, as all see it. */
  headOf(revision: number): Uint8Array {
    return key(revision);
  }

  async write(person: GroupPerson, text: string): Promise<Message> {
    const { parts } = person.out;
    const told: UserId[] = [];
    const outgoing = outgoingToGroup(this.groupId, parts, (authors) => told.push(...authors));
    const message = await new Conversation(this.chatId, parts).send(text, {}, outgoing);
    for (const author of told) parts.outbox.wake(chatWith(author));
    return message;
  }

  async connect(...people: readonly GroupPerson[]): Promise<void> {
    for (const person of people) await person.out.connect();
  }

  /** Goes on until nothing is on its way any more. */
  async run(): Promise<void> {
    for (let moved = true; moved; ) {
      for (const person of this.people) if (person.relay.stream !== undefined) await person.out.run();
      moved = await this.handOver();
    }
  }

  /** Hands on what relays have taken; whether there was anything. */
  async handOver(): Promise<boolean> {
    let moved = false;
    for (const from of this.people) {
      const fresh = from.relay.stored.slice(from.handed);
      from.handed = from.relay.stored.length;
      for (const { send } of fresh) {
        moved = true;
        this.taken.push({ from, send });
        for (const envelope of deliveredOf(send, from.device.address, from.relay.now)) {
          const to = this.#of(uuidToText(Envelope.decode(envelope).recipientUser) as UserId);
          if (to === undefined || this.lost(send, to)) continue;
          await this.#bring(to, envelope);
        }
      }
    }
    return moved;
  }

  /** Brings somebody all again that they have not acked: what was acked is gone from the relay. */
  async redeliver(person: GroupPerson): Promise<void> {
    for (const envelope of this.#unacked.get(person) ?? []) await this.#bring(person, envelope);
  }

  async messages(person: GroupPerson): Promise<readonly MessageRecord[]> {
    return person.device.store.messages({ chatId: this.chatId, limit: 500, after: undefined });
  }

  async texts(person: GroupPerson): Promise<readonly string[]> {
    return (await this.messages(person)).map((record) => toMessage(record).text);
  }

  async #bring(to: GroupPerson, envelope: Uint8Array): Promise<void> {
    const acks = to.in.acked.length;
    await to.in.deliver(envelope);
    const waiting = this.#unacked.get(to) ?? new Set();
    this.#unacked.set(to, waiting);
    if (to.in.acked.length > acks && !to.device.disk.full) waiting.delete(envelope);
    else waiting.add(envelope);
    for (const { userId } of to.in.receiptsTo.splice(0)) to.out.outbox.wake(userId as never);
  }

  #of(userId: UserId): GroupPerson | undefined {
    return this.people.find(({ device }) => device.account.userId === userId);
  }

  #equip(person: GroupPerson): void {
    const meet = async (userId: UserId) => {
      const other = this.#of(userId);
      if (other !== undefined) await meetDevice(person.device, other.device);
    };
    const refresh = async (groupId: GroupId) => {
      person.refreshed.push(groupId);
      await this.refresh(person);
    };
    const { maker } = this;
    const beside = maker && this.#sealing(person, maker);
    person.out = sendingDevice(person.device, person.relay, meet, refresh, beside);
    person.in = receivingDevice(person.device, maker ? [maker.root] : []);
  }

  #sealing(person: GroupPerson, maker: CertificateMaker): BesideStream {
    const { account, clock, executor, store } = person.device;
    const keeper = { hopeless: false } as CertificateKeeper;
    const ways = new UnnamedWay({ isOn: true, keeper, store, relayNow: () => clock.now(), logger });
    person.ways = ways;
    return {
      ways,
      makeCertificate: async () => {
        const certificate = maker.make(account, clock.now());
        const record = { trustRoots: [maker.root], expiresAt: certificate.expiration() };
        await executor.run([], (overlay) =>
          overlay.put('certificate', { ...record, certificate: certificate.serialize() }),
        );
      },
      onKeyRefused: (userId, accessKey) => ways.refusedFor(userId, accessKey),
      onManyRefused: () => ways.closeGroups(),
      post: person.relay.post,
    };
  }

  async #know({ device }: GroupPerson, revision: number, members: readonly GroupPerson[]): Promise<void> {
    const { groupId, wireId } = this;
    const now = device.clock.now();
    const before = await device.store.groupMembers(groupId);
    const inside = new Set<string>(members.map((member) => member.device.account.userId));
    const joinedAt = (userId: UserId) =>
      before.find((row) => row.userId === userId && row.leftAt === undefined)?.joinedAt ?? revision;
    const owner = members[0]?.device.account.userId;
    const state = {
      wireId,
      revision,
      rules: groupRulesVersion,
      title: 'Rowers',
      avatar: undefined,
      members: members
        .map(({ device: { account } }) => ({
          userId: account.userId,
          rootKey: rootKeyOf(account.rootSecret ?? new Uint8Array())
            .getPublicKey()
            .serialize(),
          deviceListVersion: 1,
          profileKey: account.profileKey,
          role: account.userId === owner ? ('owner' as const) : ('member' as const),
          joinedAtRevision: joinedAt(account.userId),
          joinedAtEpoch: 1,
        }))
        .sort((one, other) => (one.userId < other.userId ? -1 : 1)),
      requests: [],
      invite: undefined,
      settings: { add: 'admins' as const, edit: 'admins' as const },
      keyEpoch: 1,
      keyCommitment: key(1),
      rekeyDue: false,
    };
    const head = this.headOf(revision);
    const isMember = inside.has(device.account.userId);
    await device.executor.run([], async (overlay) => {
      const known = await overlay.get('group', { id: groupId });
      overlay.put('group', {
        id: groupId,
        wireId,
        title: 'Rowers',
        avatar: undefined,
        adminId: owner ?? device.account.userId,
        state: encodeState(state),
        head,
        revision,
        knownRevision: Math.max(revision, known?.knownRevision ?? 0),
        standing: isMember ? 'member' : 'removed',
        addedBy: undefined,
        fork: known?.fork,
        checkpointRevision: 0,
        checkpointEpoch: 0,
        waitingFor: undefined,
        createdAt: now,
        updatedAt: now,
      });
      overlay.put('groupHead', { groupId, revision, head, saidBy: undefined });
      for (const { userId } of state.members) {
        const id = memberRowId(groupId, userId, sha256);
        const gone = { leftAt: undefined, leftSeenAt: undefined, passedUpTo: 0, goneAt: undefined };
        overlay.put('groupMember', { id, groupId, userId, joinedAt: joinedAt(userId), ...gone });
      }
      for (const row of before) {
        if (inside.has(row.userId) || row.leftAt !== undefined) continue;
        overlay.put('groupMember', { ...row, leftAt: revision, leftSeenAt: now });
      }
      await openGroupChat(overlay, groupId, now, true);
    });
  }
}
