import {
  type Connection,
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
  heartbeatV4,
  joinGroupV9,
  leaveGroupV4,
  syncGroupV5,
} from '@platformatic/kafka';
import type { CancelTimer, Timers } from '../../ports/timers.ts';
import { RelayError } from '../../relay-error.ts';
import { stickyShares, type TopicPartition } from '../sticky-shares.ts';
import { GroupSession } from './group-session.ts';
import type { BrokerLine, KafkaCluster } from './kafka-cluster.ts';
import { codesOf, kafkaCode, storeFailure } from './kafka-failure.ts';
import { retryDelayMs } from './kafka-options.ts';
import { byTopic } from './topic-partitions.ts';

/** How a member takes part in its group. */
export interface GroupMemberOptions {
  readonly cluster: KafkaCluster;
  readonly group: string;
  readonly topics: readonly string[];
  readonly sessionMs: number;
  readonly heartbeatMs: number;
  /** How long the group waits for a member to come back when it shares anew: longer than a hand-over may take. */
  readonly rebalanceMs: number;
  readonly timers: Timers;
}

/** What a commit is signed with: the coordinator refuses it when the group has gone on since. */
export interface Membership {
  readonly memberId: string;
  readonly generation: number;
}

/** Who owns partitions as a member of the group. */
export interface GroupOwner {
  /** What it owns, and others may not be given. */
  owned(): readonly TopicPartition[];
  /** The group has decided: hands over what is not in the share, and begins with what is new. Tells whether something was handed over, which others wait for. */
  settle(share: readonly TopicPartition[]): Promise<boolean>;
  /** All that was owned may be somebody else's. */
  lost(): void;
  failed(error: RelayError): void;
}

/** How often a new member asks a coordinator that is not ready: for ten seconds. */
const mostTries = 50;

/** `MEMBER_ID_REQUIRED`: no failure, but how a new member gets its id. */
const memberIdRequired = 79;
const unknown: readonly number[] = [kafkaCode.unknownMember, kafkaCode.fencedInstance];
const expulsions: readonly number[] = [...unknown, kafkaCode.illegalGeneration];
const notReady: readonly number[] = [
  kafkaCode.coordinatorLoading,
  kafkaCode.coordinatorNotAvailable,
  kafkaCode.notCoordinator,
];

/**
 * A member of a consumer group, by Kafka's classic protocol with cooperative shares (KIP-429): what stays with its owner is not interrupted when the group shares anew.
 *
 * Written on the client's requests and not on its `Consumer`, for what 2.12.1 does in `clients/consumer/consumer.js`:
 * - `#commit` takes member and generation when it sends, not when the work was given; and on ILLEGAL_GENERATION or UNKNOWN_MEMBER_ID it joins again and sends the same old offset as the new member, so that one that slept rewinds the group: tried, with two consumers of which one slept for longer than its session, the group went from 8 back to 4.
 * - A lost membership is announced by nothing before the next join has ended; the partitions are worked on until then.
 * - `MessagesStream` reads all partitions in one stream: none can wait alone. Its defaults are autocommit, mode LATEST and fallback LATEST, with which a group that is new, or was away for long, passes mail over.
 */
export class GroupMember {
  readonly #options: GroupMemberOptions;
  readonly #owner: GroupOwner;
  readonly #session: GroupSession;
  /** A join waits at the broker for all others, for up to `rebalanceMs`, and what is behind it on the same connection too. */
  readonly #joinLine: BrokerLine;
  readonly #beatLine: BrokerLine;
  #coordinator: Promise<number> | undefined;
  #memberId = '';
  /** -1: none. */
  #generation = -1;
  #isJoining = false;
  #isLeader = false;
  #isBeating = false;
  #isStopping = false;
  #mustRejoin = false;
  /** Whether the coordinator is another one than the join under way waits at. */
  #hasMoved = false;
  #changed: (() => void)[] = [];
  #stopBeating: CancelTimer | undefined;
  #running: Promise<void> | undefined;

  constructor(options: GroupMemberOptions, owner: GroupOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#session = new GroupSession(options.timers, options.sessionMs, () => this.#expel('unheard'));
    this.#joinLine = options.cluster.line(options.rebalanceMs + 10_000);
    this.#beatLine = options.cluster.line();
  }

  /** `undefined` while the group shares anew, and when this is no member. */
  get membership(): Membership | undefined {
    if (this.#generation < 0 || this.#isJoining) return undefined;
    return { memberId: this.#memberId, generation: this.#generation };
  }

  get isLeader(): boolean {
    return this.#isLeader;
  }

  /** Resolves when the first share was settled. @throws {RelayError} when there is none: the member is stopped then */
  async start(): Promise<void> {
    const { timers, heartbeatMs } = this.#options;
    this.#stopBeating = timers.every(heartbeatMs, () => void this.#beat());
    try {
      for (let tries = 0; this.#generation < 0; tries += 1) {
        if (tries >= mostTries)
          throw new RelayError('store-unavailable', 'The group is not ready.', { retryable: true });
        if (!(await this.#cameIn())) await this.#pause();
      }
    } catch (error) {
      await this.stop();
      throw storeFailure(error);
    }
    this.#running = this.#run();
  }

  /** The group's coordinator, as far as is known. */
  async coordinator(): Promise<number> {
    this.#coordinator ??= this.#options.cluster.coordinator(this.#options.group);
    try {
      return await this.#coordinator;
    } catch (error) {
      this.#coordinator = undefined;
      throw error;
    }
  }

  /** It has not answered, or is not the coordinator any more: the next request looks for it. */
  forgetCoordinator(): void {
    this.#coordinator = undefined;
  }

  /** Takes part in sharing anew. */
  rejoin(): void {
    this.#mustRejoin = true;
    this.#tellChange();
  }

  /** The coordinator has refused what was signed with this, with these codes: the member is none any more, if it still goes by that. */
  refused(signed: Membership, codes: ReadonlySet<number | string>): void {
    const { memberId, generation } = signed;
    if (memberId !== this.#memberId || generation !== this.#generation) return;
    // While it joins, the group may have come to the next generation, with it in.
    if (this.#isJoining && !unknown.some((code) => codes.has(code))) return;
    this.#expel(howOf(codes));
  }

  /** Resolves when the membership is another one, or something else has happened to it. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }

  /** Leaves the group. What is owned has to be handed over before. Idempotent. */
  async stop(): Promise<void> {
    if (this.#isStopping) return this.#running;
    this.#isStopping = true;
    this.#stopBeating?.();
    this.#session.end();
    this.#tellChange();
    await this.#joinLine.close();
    await this.#running;
    try {
      await this.#leave();
    } catch (error) {
      // The session ends by itself.
      this.#owner.failed(storeFailure(error));
    }
    await this.#beatLine.close();
  }

  async #leave(): Promise<void> {
    if (this.#memberId === '') return;
    const connection = await this.#beatLine.to(await this.coordinator());
    try {
      await leaveGroupV4.api.async(connection, this.#options.group, [{ memberId: this.#memberId }]);
    } catch (error) {
      if (!codesOf(error).has(kafkaCode.unknownMember)) throw error;
    }
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      if (!this.#mustRejoin) {
        await this.changed();
        continue;
      }
      try {
        if (!(await this.#cameIn())) await this.#pause();
      } catch (error) {
        if (this.#isStopping) return;
        this.#owner.failed(storeFailure(error));
        await this.#pause();
      }
    }
  }

  /** One turn of sharing. `false`: the coordinator is not ready. */
  async #cameIn(): Promise<boolean> {
    this.#mustRejoin = false;
    try {
      const share = await this.#join();
      if (share === undefined || this.#isStopping) return true;
      if (await this.#owner.settle(share)) this.rejoin();
      return true;
    } catch (error) {
      this.#mustRejoin = true;
      const codes = codesOf(error);
      if ([...codes].some((code) => code === 'PLT_KFK_NETWORK') || notReady.some((code) => codes.has(code))) {
        this.forgetCoordinator();
      }
      if (this.#hasMoved || notReady.some((code) => codes.has(code))) return false;
      throw error;
    }
  }

  /** What this member is given; `undefined` when the group shares anew already, and it has to come again. */
  async #join(): Promise<readonly TopicPartition[] | undefined> {
    const { cluster, group, sessionMs, rebalanceMs, timers } = this.#options;
    const coordinator = await this.coordinator();
    const connection = await this.#joinLine.to(coordinator);
    this.#isJoining = true;
    this.#hasMoved = false;
    const stopWatching = timers.every(sessionMs / 2, () => void this.#watch(coordinator, connection));
    try {
      const protocols = [{ name: 'sotto-sticky', metadata: this.#claims() }];
      const joined = await joinGroupV9.api.async(
        connection,
        group,
        sessionMs,
        rebalanceMs,
        this.#memberId,
        null,
        'consumer',
        protocols,
        null,
      );
      const { memberId, generationId, leader, members } = joined;
      this.#memberId = memberId;
      const message = this.#session.sent();
      try {
        const isLeader = leader === memberId;
        const shares = isLeader ? await this.#share(cluster, members) : [];
        const sync = [group, generationId, memberId, null, 'consumer', 'sotto-sticky', shares] as const;
        const { assignment } = await syncGroupV5.api.async(connection, ...sync);
        message.answered();
        this.#generation = generationId;
        this.#isLeader = isLeader;
        return decodeConsumerProtocolAssignment(assignment).assignedPartitions.flatMap(({ topic, partitions }) =>
          partitions.map((partition) => ({ topic, partition })),
        );
      } finally {
        message.unanswered();
      }
    } catch (error) {
      return this.#joinRefused(error);
    } finally {
      stopWatching();
      this.#isJoining = false;
      this.#tellChange();
    }
  }

  /** A join may wait for long, and one at a coordinator that hangs does in vain: it ends when the group has another one by then. */
  async #watch(coordinator: number, connection: Connection): Promise<void> {
    try {
      const now = await this.#options.cluster.coordinator(this.#options.group);
      if (now === coordinator) return;
      this.#hasMoved = true;
      await connection.close();
    } catch {
      // There is none, or nobody knows: it is asked again.
    }
  }

  #joinRefused(error: unknown): undefined {
    const codes = codesOf(error);
    if (codes.has(memberIdRequired)) this.#memberId = memberIdOf(error) ?? '';
    else if (expulsions.some((code) => codes.has(code))) this.#expel(howOf(codes));
    else if (!codes.has(kafkaCode.rebalanceInProgress)) throw error;
    this.#mustRejoin = true;
    return undefined;
  }

  /** What this member says of itself: the partitions that nobody else may be given, and since when. */
  #claims(): Buffer {
    return encodeConsumerProtocolSubscription({
      version: 3,
      topics: [...this.#options.topics],
      userData: Buffer.alloc(0),
      ownedPartitions: byTopic(this.#owner.owned()),
      generationId: this.#generation,
      rackId: null,
    });
  }

  async #share(
    cluster: KafkaCluster,
    members: readonly { readonly memberId: string; readonly metadata: Buffer }[],
  ): Promise<{ memberId: string; assignment: Buffer }[]> {
    const sharing = members.map(({ memberId, metadata }) => {
      const { topics, ownedPartitions, generationId } = decodeConsumerProtocolSubscription(metadata);
      const owned = ownedPartitions.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      );
      return { id: memberId, topics, owned, generation: generationId };
    });
    const counts = new Map<string, number>();
    for (const topic of new Set(sharing.flatMap(({ topics }) => topics))) {
      const layout = await cluster.findTopic(topic);
      if (layout) counts.set(topic, layout.leaders.length);
    }
    return [...stickyShares(sharing, counts)].map(([memberId, share]) => ({
      memberId,
      assignment: encodeConsumerProtocolAssignment({ version: 3, assignedPartitions: byTopic(share) }),
    }));
  }

  /**
   * Tells the coordinator that this member is there, and hears whether the group shares anew.
   *
   * Also while it joins: then the answer says only that the coordinator knows it, which is what the session needs when others let it wait.
   */
  async #beat(): Promise<void> {
    if (this.#generation < 0 || this.#isBeating || this.#isStopping) return;
    this.#isBeating = true;
    const message = this.#session.sent();
    const signed = { memberId: this.#memberId, generation: this.#generation };
    try {
      const connection = await this.#beatLine.to(await this.coordinator());
      await heartbeatV4.api.async(connection, this.#options.group, signed.generation, signed.memberId, null);
      message.answered();
    } catch (error) {
      const codes = codesOf(error);
      if (codes.has(kafkaCode.rebalanceInProgress)) {
        message.answered();
        if (!this.#isJoining) this.rejoin();
      } else if (expulsions.some((code) => codes.has(code))) {
        this.refused(signed, codes);
      } else {
        this.forgetCoordinator();
        if (!this.#isStopping) this.#owner.failed(storeFailure(error));
      }
    } finally {
      message.unanswered();
      this.#isBeating = false;
    }
  }

  /** The group goes on without this member, as far as it knows. */
  #expel(how: Expulsion): void {
    this.#generation = -1;
    if (how === 'forgotten') this.#memberId = '';
    else this.forgetCoordinator();
    this.#session.end();
    this.#owner.lost();
    this.rejoin();
  }

  #tellChange(): void {
    for (const resolve of this.#changed.splice(0)) resolve();
  }

  async #pause(): Promise<void> {
    if (this.#isStopping) return;
    let cancel: CancelTimer | undefined;
    const passed = new Promise<void>((resolve) => {
      cancel = this.#options.timers.after(retryDelayMs, resolve);
    });
    await passed;
    cancel?.();
  }
}

/** `forgotten`: the coordinator does not know the member any more. `unheard`: it may; so it comes back under its id, lest others wait for it. */
type Expulsion = 'forgotten' | 'unheard';

function howOf(codes: ReadonlySet<number | string>): Expulsion {
  return unknown.some((code) => codes.has(code)) ? 'forgotten' : 'unheard';
}

/** The id that a coordinator gives to a new member, in its refusal. */
function memberIdOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('response' in error)) return undefined;
  const { response } = error;
  if (typeof response !== 'object' || response === null || !('memberId' in response)) return undefined;
  return typeof response.memberId === 'string' ? response.memberId : undefined;
}
