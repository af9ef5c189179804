import { Content, type ContentFields, Envelope } from '@sotto/proto';
import { chatLock, chatWith, openChat } from '../src/chats/chat-state.ts';
import { GroupWork } from '../src/client/group-work.ts';
import { LocksWanted } from '../src/crypto/locks-wanted.ts';
import { acceptFork } from '../src/groups/group-fork.ts';
import { startOfGroup } from '../src/groups/group-head.ts';
import { groupIdOf, newWireId } from '../src/groups/group-id.ts';
import { groupLock } from '../src/groups/group-lock.ts';
import type { GroupCandidate } from '../src/groups/group-member.ts';
import type { GroupOperation } from '../src/groups/group-operation.ts';
import { ownListOf } from '../src/groups/stored-group.ts';
import type { Applied } from '../src/messages/arrival.ts';
import { applyOf } from '../src/messages/kinds.ts';
import { wholeContent } from '../src/outbox/hidden-row.ts';
import { defaultPlatform } from '../src/platform/platform.node.ts';
import type { GroupNews } from '../src/ports/event-records.ts';
import type { GroupRecord } from '../src/ports/group-records.ts';
import type { ChatId, DeviceId, GroupId, MessageId, UserId } from '../src/ports/ids.ts';
import { GroupService } from './group-service.ts';
import { ManualTimers } from './manual-timers.ts';
import { type TestDevice, testDevice } from './test-device.ts';

/** Somebody with the work on groups, and no sessions: what waits in their outbox is handed over by the test. */
export class GroupPeer {
  readonly device: TestDevice;
  readonly timers = new ManualTimers();
  readonly failures: unknown[] = [];
  readonly moved: GroupId[] = [];
  /** Queues that were woken. */
  readonly queued: ChatId[] = [];
  readonly logged: string[] = [];
  readonly relay: GroupService;
  /** What becomes of keys that are to be with the relay before a record is. */
  delivering: (rows: readonly number[]) => Promise<void> = async () => undefined;
  work: GroupWork;
  ending = new AbortController();

  private constructor(device: TestDevice, relay: GroupService) {
    this.device = device;
    this.relay = relay;
    this.work = this.#work();
  }

  static async of(relay = new GroupService()): Promise<GroupPeer> {
    return new GroupPeer(await testDevice(), relay);
  }

  get userId(): UserId {
    return this.device.account.userId;
  }

  /** As others let them in. */
  candidate(): GroupCandidate {
    const { account, origin } = this.device;
    const { rootKey, version } = ownListOf(account, origin().sha256);
    return { userId: account.userId, rootKey, deviceListVersion: version, profileKey: account.profileKey };
  }

  /** Makes a group with these: their ids have to ascend. */
  async create(...others: readonly GroupPeer[]): Promise<GroupId> {
    const { randomness, sha256 } = this.device.origin();
    const wireId = newWireId(randomness);
    const groupId = groupIdOf(wireId, sha256);
    const members = others.map((other) => other.candidate());
    const operation: GroupOperation = {
      type: 'create',
      rules: 1,
      title: 'Rowers',
      avatar: undefined,
      settings: { add: 'admins', edit: 'admins' },
      owner: this.candidate(),
      members,
    };
    const wish = { operations: [operation], inviteKey: undefined };
    await this.work.changes.change(groupId, wish, { start: startOfGroup(wireId) });
    return groupId;
  }

  change(groupId: GroupId, ...operations: readonly GroupOperation[]): Promise<void> {
    return this.work.changes.change(groupId, { operations, inviteKey: undefined });
  }

  async group(groupId: GroupId): Promise<GroupRecord> {
    const group = await this.device.store.get('group', { id: groupId });
    if (group === undefined) throw new Error('they do not know the group');
    return group;
  }

  /** What events told of the group, in order. */
  news(): readonly GroupNews[] {
    return this.device.published.flat().flatMap(({ fact }) => (fact.type === 'group.changed' ? fact.changes : []));
  }

  told(type: string): number {
    return this.device.published.flat().filter(({ fact }) => fact.type === type).length;
  }

  /** The kinds of what waits for somebody. */
  async waitingFor(other: GroupPeer): Promise<readonly string[]> {
    const rows = await this.device.store.outbox(chatWith(other.userId), 0, 1_000);
    const contents = await Promise.all(rows.map((row) => wholeContent(this.device.store, row)));
    return contents.map((content) => Content.decode(content).body ?? '');
  }

  /** Hands over what waits for somebody; gives the groups that it brought news of. */
  async handTo(other: GroupPeer): Promise<void> {
    const { store, executor } = this.device;
    const rows = await store.outbox(chatWith(other.userId), 0, 1_000);
    for (const row of rows) {
      const { id } = row;
      const content = await wholeContent(store, row);
      await executor.run([], (overlay) => overlay.delete('outbox', { id }));
      const { group } = await other.#apply(this.device, content, []);
      if (group !== undefined) await other.follow(group);
    }
  }

  /** Takes what somebody says, as it stands in a content of theirs. */
  async hear(sender: GroupPeer, fields: ContentFields): Promise<void> {
    await this.#apply(sender.device, Content.encode(fields), []);
  }

  /** Takes somebody for a contact. */
  async befriend({ userId }: GroupPeer): Promise<void> {
    const { executor, clock } = this.device;
    await executor.run([chatLock(chatWith(userId))], async (overlay) => {
      overlay.put('chat', { ...(await openChat(overlay, userId, clock.now())), accepted: true });
    });
  }

  /** Goes on in spite of a fork, as the user says. */
  async accept(groupId: GroupId): Promise<void> {
    const { executor, clock } = this.device;
    await executor.run([groupLock(groupId)], async (overlay) => {
      const group = await overlay.get('group', { id: groupId });
      if (group !== undefined) await acceptFork(overlay, group, clock.now());
    });
  }

  /** Follows a log now. */
  async follow(groupId: GroupId): Promise<void> {
    await this.work.refresh(groupId);
  }

  /** Ends the work as a stop does; what is under way fails. */
  async stop(): Promise<void> {
    this.ending.abort(new Error('stopped'));
    await this.work.stop();
  }

  /** Begins it again. */
  restart(): void {
    this.ending = new AbortController();
    this.work = this.#work();
  }

  #apply(sender: TestDevice, encoded: Uint8Array, locks: readonly string[]): Promise<Applied> {
    const { executor, account, origin, store, clock } = this.device;
    return executor
      .run(locks, (overlay) =>
        applyOf(Content.decode(encoded))({
          overlay,
          account,
          origin: origin(),
          sender: { userId: sender.account.userId, deviceId: 1 as DeviceId },
          messageId: '00000000-0000-4000-8000-000000000000' as MessageId,
          envelope: Envelope.decode(new Uint8Array()) as Envelope,
          content: Content.decode(encoded) as Content,
          encoded,
          newIdentity: false,
          group: undefined,
          locks,
          queries: store,
          now: clock.now(),
          takenAt: clock.now(),
        }),
      )
      .catch((error: unknown) => {
        if (error instanceof LocksWanted) return this.#apply(sender, encoded, [...locks, ...error.locks]);
        throw error;
      });
  }

  #work(): GroupWork {
    const { executor, store, clock, origin } = this.device;
    const note = (event: string) => void this.logged.push(event);
    const logger = { debug: note, info: note, warn: note, error: note };
    return new GroupWork({
      platform: { ...defaultPlatform(), clock, timers: this.timers, logger },
      store,
      executor,
      http: this.relay.clientOf(this.userId),
      origin,
      ended: this.ending.signal,
      onQueued: (chatId) => void this.queued.push(chatId),
      keysDelivered: (rows) => this.delivering(rows),
      onMoved: (groupId) => void this.moved.push(groupId),
      onFailure: (error) => void this.failures.push(error),
    });
  }
}

/** So many people at one relay, their ids ascending. */
export async function groupPeers(count: number, relay = new GroupService()): Promise<readonly GroupPeer[]> {
  const peers: GroupPeer[] = [];
  for (let at = 0; at < count; at++) peers.push(await GroupPeer.of(relay));
  return peers.sort((left, right) => (left.userId < right.userId ? -1 : 1));
}

/** A group of the first with the others, which all of them know. */
export async function groupOfPeers(count: number) {
  const relay = new GroupService();
  const [owner, ...others] = await groupPeers(count, relay);
  if (owner === undefined) throw new Error('a group has an owner');
  const groupId = await owner.create(...others);
  for (const other of others) await owner.handTo(other);
  const { wireId } = await owner.group(groupId);
  return { relay, owner, others, groupId, wireId };
}
