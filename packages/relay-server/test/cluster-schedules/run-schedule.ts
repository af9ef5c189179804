import { setImmediate } from 'node:timers/promises';
import { MemoryMailLedger } from '../../src/adapters/memory/mail-ledger.ts';
import { MemoryLogBroker } from '../../src/adapters/memory/memory-log-broker.ts';
import { MemoryNodeNetwork } from '../../src/adapters/memory/memory-node-network.ts';
import { MemoryPendingStore } from '../../src/adapters/memory/pending-store.ts';
import { MemoryPresence } from '../../src/adapters/memory/presence.ts';
import { MemorySendReceipts } from '../../src/adapters/memory/send-receipts.ts';
import { deviceKeyOf, deviceOfKey } from '../../src/dispatch/device-key.ts';
import { inboxTerms } from '../../src/dispatch/inbox-state.ts';
import { partitionTerms } from '../../src/dispatch/partition-dispatch.ts';
import type { DeviceIncarnation } from '../../src/ports/device-incarnation.ts';
import type { DeviceId, UserId } from '../../src/ports/ids.ts';
import type { MailAppend, MailQuota } from '../../src/ports/mailbox.ts';
import { SimRandom } from '../dispatch-sim/sim-random.ts';
import { ManualTime } from '../manual-time.ts';
import { engineNames } from './gate.ts';
import { cluster, group, ScheduleNode, type Shared, topics } from './schedule-node.ts';
import { type Got, SimStream } from './sim-stream.ts';
import { Truth, Violation } from './truth.ts';

/** What may befall a schedule; its seed draws which of them do. */
export const troubles = [
  'log',
  'pending',
  'presence',
  'receipts',
  'ledger',
  'listed',
  'network',
  'crash',
  'restart',
  'rebalance',
  'wipe',
  'replaced',
  'clocks',
  'poison',
  'old-acks',
  'stuck',
] as const;
export type Trouble = (typeof troubles)[number];

const window = 6;
const shortInbox = { ...inboxTerms, window, page: 3, lanes: 4, ahead: 8 };
const shortPartition = {
  ...partitionTerms,
  openRecords: 24,
  openParts: 40,
  idleLanes: 2,
  lane: { ...partitionTerms.lane, depth: 3 },
};
const roomy: MailQuota = { count: 10_000, bytes: 1_000_000, strangerCount: 10_000, strangerBytes: 1_000_000 };
const longMs = 20 * 86_400_000;
const steps = 120;
/** Simulated seconds after which all has to be at rest. */
const longestRest = 900;

export interface Outcome {
  readonly violation: string | undefined;
  readonly struck: ReadonlySet<string>;
  readonly records: number;
  readonly deliveries: number;
  readonly repeated: number;
  readonly isCalm: boolean;
}

export async function runSchedule(seed: number, say?: (line: string) => void): Promise<Outcome> {
  const schedule = new Schedule(seed, say);
  let violation: string | undefined;
  try {
    await schedule.run();
  } catch (error) {
    violation =
      error instanceof Violation
        ? error.message
        : error instanceof Error
          ? (error.stack ?? error.message)
          : String(error);
  }
  const { struck, truth, isCalm } = schedule;
  const { records, deliveries, repeated } = truth;
  return { violation: schedule.broken?.message ?? violation, struck, records, deliveries, repeated, isCalm };
}

interface Sent {
  readonly append: MailAppend;
  readonly number: number;
  readonly node: ScheduleNode;
}

class Schedule {
  readonly struck = new Set<string>();
  readonly truth: Truth;
  readonly isCalm: boolean;
  /** A promise that was broken where nobody could be told. */
  broken: Violation | undefined;
  readonly #random: SimRandom;
  readonly #say: (line: string) => void;
  readonly #time = new ManualTime();
  readonly #network: MemoryNodeNetwork;
  readonly #troubles = new Set<Trouble>();
  readonly #presence: MemoryPresence;
  #wipedPresence: MemoryPresence;
  #ledger = new MemoryMailLedger();
  #receipts: MemorySendReceipts;
  readonly #pending = new MemoryPendingStore();
  readonly #broker: MemoryLogBroker;
  readonly #shared: Shared;
  readonly #listed = new Map<UserId, Map<number, string>>();
  readonly #users: UserId[] = [];
  readonly #nodes: ScheduleNode[] = [];
  readonly #streams = new Set<SimStream>();
  /** What devices got on streams that have ended. */
  readonly #old: { readonly device: DeviceIncarnation; readonly got: Got }[] = [];
  readonly #sent: Sent[] = [];
  #numbers = 0;
  #names = 0;
  #ids = 0;

  constructor(seed: number, say: (line: string) => void = () => undefined) {
    const random = new SimRandom(seed);
    this.#random = random;
    this.#say = say;
    if (!random.chance(0.15)) for (const trouble of troubles) if (random.chance(0.3)) this.#troubles.add(trouble);
    this.isCalm = this.#troubles.size === 0;
    this.#network = new MemoryNodeNetwork({ clock: this.#time, timers: this.#time });
    const randomness = { bytes: (count: number) => Uint8Array.from({ length: count }, () => random.below(256)) };
    this.#presence = new MemoryPresence(randomness);
    this.#wipedPresence = this.#presence;
    this.#receipts = new MemorySendReceipts(randomness);
    this.#broker = new MemoryLogBroker(() => `id-${++this.#ids}`);
    const partitions = 1 + random.below(2);
    for (const topic of Object.values(topics)) this.#broker.makeTopic(topic, partitions);
    for (let user = 0; user < 2; user++) {
      const userId = `00000000-0000-4000-8000-00000000000${user}` as UserId;
      this.#users.push(userId);
      const devices = user === 0 ? [1] : [1, 2];
      this.#listed.set(userId, new Map(devices.map((deviceId) => [deviceId, `first-${deviceId}`])));
    }
    const secret = randomness.bytes(32);
    const topicIds = [topics.toUser, topics.toGroup].map((topic) => this.#broker.topicId(topic));
    this.truth = new Truth(secret, cluster, topicIds, this.#troubles.has('clocks') ? 3 * 3_600_000 : 60_000);
    this.#shared = {
      random,
      time: this.#time,
      broker: this.#broker,
      pending: {
        view: (device) => this.#pending.view(device),
        page: (page) => this.#pending.page(page),
        forgetUpTo: (device, lane, upTo) => this.#pending.forgetUpTo(device, lane, upTo),
        forgetOne: (device, place) => this.#pending.forgetOne(device, place),
        forget: (device) => this.#pending.forget(device),
        spill: (rows, now) => {
          for (const { device, lane, ko } of rows) this.truth.spilled(device, lane, ko);
          return this.#pending.spill(rows, now);
        },
      },
      presence: behind(() => this.#wipedPresence),
      receipts: behind(() => this.#receipts),
      ledger: behind(() => this.#ledger),
      listed: {
        of: async (userId) => {
          const incarnations = this.#listed.get(userId);
          return incarnations === undefined
            ? { status: 'unknown' }
            : { status: 'listed', incarnations: new Map(incarnations) };
        },
      },
      secret,
      partitionTerms: shortPartition,
      inboxTerms: shortInbox,
      appended: (value, position, at) => this.#checked(() => this.truth.appended(value, position, at)),
      struck: (what) => void this.struck.add(what),
    };
  }

  async run(): Promise<void> {
    this.#say(`troubles: ${[...this.#troubles].join(' ')}`);
    for (let node = 0; node < 2; node++) await this.#start();
    for (let step = 0; step < steps; step++) {
      await this.#step();
      if (this.broken !== undefined) throw this.broken;
    }
    await this.#comeToRest();
    await this.#end();
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const what = random.below(100);
    if (what < 30) this.#send();
    else if (what < 45) this.#connect();
    else if (what < 65) this.#ack();
    else if (what < 70) this.#disconnect();
    else if (what < 85) this.#advance(random.chance(0.15) ? 40_000 : 1 + random.below(4_000));
    else await this.#trouble(random.pick(troubles));
    for (let turns = random.below(4); turns > 0; turns--) await setImmediate();
  }

  async #trouble(trouble: Trouble): Promise<void> {
    if (!this.#troubles.has(trouble)) return;
    const random = this.#random;
    const [node, other] = [random.pick(this.#nodes), random.pick(this.#nodes)];
    this.#say(`${trouble} at ${node.name}`);
    this.struck.add(trouble);
    switch (trouble) {
      case 'network': {
        const kind = random.below(4);
        if (kind === 0) this.#network.lose(node.name, other.name, 1 + random.below(4));
        else if (kind === 1) this.#network.delay(node.name, other.name, random.below(7_000));
        else if (kind === 2) this.#network.stall(node.name, other.name);
        else this.#network.heal(node.name, other.name);
        break;
      }
      case 'crash':
        this.#crash(node);
        if (this.#nodes.length === 0 || random.chance(0.7)) await this.#start();
        break;
      case 'restart':
        this.#nodes.splice(this.#nodes.indexOf(node), 1);
        void node.close();
        this.#dropStreams(node);
        if (this.#nodes.length === 0 || random.chance(0.7)) await this.#start();
        break;
      case 'rebalance':
        if (this.#nodes.length < 4) await this.#start();
        break;
      case 'wipe': {
        const what = random.below(3);
        const randomness = { bytes: (count: number) => Uint8Array.from({ length: count }, () => random.below(256)) };
        if (what === 0) this.#wipedPresence = new MemoryPresence(randomness);
        else if (what === 1) this.#receipts = new MemorySendReceipts(randomness);
        else this.#ledger = new MemoryMailLedger();
        break;
      }
      case 'replaced':
        this.#replace();
        break;
      case 'clocks':
        node.skew += (random.below(3) - 1) * (random.chance(0.5) ? 3_600_000 : 8_000);
        break;
      case 'poison':
        this.#broker.append(topics.toUser, Uint8Array.of(1), Uint8Array.of(255, 255), {}, this.#time.now());
        break;
      case 'stuck':
        for (const stream of this.#streams) if (random.chance(0.5)) stream.isStuck = true;
        break;
      case 'old-acks':
        this.#ackOld();
        break;
      default:
        node.gate.trouble[trouble] = random.chance(0.4) ? 0 : random.pick([0.1, 0.5, 1]);
    }
  }

  async #start(): Promise<void> {
    const name = `node-${++this.#names}:1/start`;
    const skew = this.#troubles.has('clocks') ? this.#random.below(4_000) - 2_000 : 0;
    const node = new ScheduleNode(name, this.#network.open(name), skew, this.#shared);
    await node.mail.start();
    this.#nodes.push(node);
    this.#say(`starts ${name}`);
  }

  #crash(node: ScheduleNode): void {
    this.#nodes.splice(this.#nodes.indexOf(node), 1);
    node.crash();
    this.#network.crash(node.name);
    this.#dropStreams(node);
  }

  #dropStreams(node: ScheduleNode): void {
    for (const stream of [...this.#streams]) if (stream.node === node) this.#forget(stream);
  }

  #forget(stream: SimStream): void {
    this.#say(`forgets ${stream.key} at ${stream.node.name}`);
    this.#streams.delete(stream);
    for (const got of stream.unacked) this.#old.push({ device: stream.device, got });
    if (this.#old.length > 60) this.#old.splice(0, 30);
    void stream.close();
  }

  /** Another device has the address: those who were connected may not have been told. */
  #replace(): void {
    const random = this.#random;
    const userId = random.pick(this.#users);
    const devices = this.#listed.get(userId) ?? new Map<number, string>();
    const deviceId = random.pick([...devices.keys()]);
    const before = devices.get(deviceId) ?? '';
    this.truth.leave(deviceKeyOf({ userId, deviceId: deviceId as DeviceId, incarnation: before }));
    devices.set(deviceId, `next-${++this.#names}`);
    if (random.chance(0.5)) return;
    for (const stream of [...this.#streams]) if (stream.device.incarnation === before) this.#forget(stream);
  }

  #send(): void {
    const random = this.#random;
    const again = this.#sent.length > 0 && random.chance(0.1) ? random.pick(this.#sent) : undefined;
    // An order is that of a stream: what has one comes again where it came first.
    const before = again?.append.order === undefined ? undefined : again.node;
    const node = before !== undefined && this.#nodes.includes(before) ? before : random.pick(this.#nodes);
    const { append, number } = again ?? this.#newSend(node);
    node.appending++;
    node.mail.mailbox.append(append, roomy).then(
      (receipt) =>
        this.#checked(() => {
          node.appending--;
          for (const { userId, status, devices } of receipt.results) {
            if (status !== 'accepted') continue;
            for (const { deviceId, status: ofDevice } of devices) {
              if (ofDevice === 'accepted') this.truth.accepted(number, userId, deviceId);
            }
          }
        }),
      () =>
        this.#checked(() => {
          node.appending--;
          if (again === undefined && !node.gate.isDead) this.truth.failed(number);
        }),
    );
  }

  #newSend(node: ScheduleNode): Sent {
    const random = this.#random;
    const number = ++this.#numbers;
    const sharing = random.chance(0.3);
    const users = sharing || random.chance(0.2) ? this.#users : [random.pick(this.#users)];
    const head = Buffer.alloc(4);
    head.writeUInt32BE(number);
    // Orders are of streams, so of one node.
    if (node.order.broken) node.order = { broken: false };
    const order = random.chance(0.5) ? node.order : undefined;
    if (order !== undefined) this.truth.ordered(number, order);
    const sender = random.chance(0.5) ? { userId: this.#users[0] as UserId, deviceId: 1 as DeviceId } : undefined;
    const append: MailAppend = {
      sender,
      sendId: Uint8Array.from({ length: 16 }, () => random.below(256)),
      recipients: users.map((userId) => ({
        userId,
        stranger: false,
        items: [...(this.#listed.get(userId)?.keys() ?? [])].map((deviceId) => ({ deviceId, envelope: head })),
      })),
      shared: sharing ? Uint8Array.of(1, 2, 3) : undefined,
      acceptedAt: this.#time.now(),
      expiresAt: this.#time.now() + (random.chance(0.1) ? 90_000 : longMs),
      order,
    };
    const sent = { append, number, node };
    this.#sent.push(sent);
    return sent;
  }

  #connect(where?: DeviceIncarnation): void {
    const random = this.#random;
    const node = random.pick(this.#nodes);
    const userId = where?.userId ?? random.pick(this.#users);
    const devices = this.#listed.get(userId) ?? new Map<number, string>();
    const deviceId = where?.deviceId ?? random.pick([...devices.keys()]);
    const device = { userId, deviceId: deviceId as DeviceId, incarnation: devices.get(deviceId) ?? '' };
    // At one node a device has one stream.
    const before = [...node.streams].filter(
      (stream) => stream.device.userId === userId && stream.device.deviceId === deviceId,
    );
    const stream = new SimStream(node, device, window, (to, entry) => {
      let name = '';
      this.#checked(() => {
        name = this.truth.received(to.key, entry, this.#time.now(), this.isCalm);
        this.#say(`${to.key} at ${to.node.name} gets ${name}`);
      });
      return name;
    });
    node.streams.add(stream);
    this.#streams.add(stream);
    this.#say(`connects ${stream.key} to ${node.name}`);
    for (const old of before) this.#forget(old);
  }

  #ack(): void {
    const random = this.#random;
    const streams = [...this.#streams].filter(({ isOpen, unacked }) => isOpen && unacked.length > 0);
    if (streams.length === 0) return;
    const stream = random.pick(streams);
    const first = random.chance(0.7) ? 0 : random.below(stream.unacked.length);
    const some = stream.unacked.slice(first, first + 1 + random.below(window));
    if (random.chance(0.2)) some.reverse();
    this.#sendAck(stream, random.chance(0.1) ? [...some, ...some] : some);
    if (random.chance(0.05)) this.#sendAck(stream, some);
  }

  #sendAck(stream: SimStream, some: readonly Got[]): void {
    for (const { name } of some) this.truth.acked(stream.key, name, 'sent');
    this.#say(`${stream.key} at ${stream.node.name} acks ${some.map(({ name }) => name).join(' ')}`);
    const isAlone = () => [...this.#streams].every((other) => other === stream || other.key !== stream.key);
    const wasAlone = isAlone();
    void stream.ack(some, ({ name }) => {
      // Of two streams, the one does not know what the other is just being given.
      if (!wasAlone || !isAlone()) return;
      this.truth.acked(stream.key, name, 'answered');
    });
  }

  /** Of what an earlier stream gave, at whichever node the device is connected now. */
  #ackOld(): void {
    for (const stream of this.#streams) {
      if (!stream.isOpen || stream.isStuck) continue;
      const mine = this.#old.filter(({ device }) => deviceKeyOf(device) === stream.key).slice(0, 3);
      if (mine.length > 0)
        this.#sendAck(
          stream,
          mine.map(({ got }) => got),
        );
    }
  }

  #disconnect(): void {
    if (this.#streams.size > 0) this.#forget(this.#random.pick([...this.#streams]));
  }

  #advance(ms: number): void {
    this.#say(`${ms} ms`);
    this.#time.advance(ms);
    for (const stream of [...this.#streams]) if (!stream.isOpen) this.#forget(stream);
  }

  /** Faults end, and everything that is left is given, acked and committed. */
  async #comeToRest(): Promise<void> {
    this.#say('faults end');
    for (const node of this.#nodes) {
      for (const engine of engineNames) node.gate.trouble[engine] = 0;
      for (const other of this.#nodes) {
        this.#network.heal(node.name, other.name);
        this.#network.delay(node.name, other.name, 0);
      }
      if (Math.abs(node.skew) > 4_000) node.skew = 0;
    }
    if (this.#nodes.length === 0) await this.#start();
    for (let second = 0; second < longestRest; second++) {
      this.#advance(1_000);
      for (let turn = 0; turn < 6; turn++) await setImmediate();
      if (this.broken !== undefined) throw this.broken;
      if (second > 130 && this.#isAtRest()) return;
      this.#connectAll();
      for (const stream of this.#streams) {
        stream.isStuck = false;
        stream.hint();
        if (stream.unacked.length > 0) this.#sendAck(stream, [...stream.unacked]);
      }
    }
    throw new Violation(`no rest: ${this.#whatIsLeft().join('; ')}`);
  }

  #connectAll(): void {
    for (const [userId, devices] of this.#listed)
      for (const [deviceId, incarnation] of devices) {
        const device = { userId, deviceId: deviceId as DeviceId, incarnation };
        if (![...this.#streams].some(({ key, isOpen }) => isOpen && key === deviceKeyOf(device))) this.#connect(device);
      }
  }

  #isAtRest(): boolean {
    return this.#whatIsLeft().length === 0;
  }

  #whatIsLeft(): string[] {
    const left = this.truth.missing(this.#time.now()).map((what) => `not acked: ${what}`);
    for (const topic of [topics.toUser, topics.toGroup]) {
      const committed = this.#broker.committed(group, topic);
      for (const { partition, end } of this.#broker.describe(topic)?.partitions ?? []) {
        const done = committed.find((position) => position.partition === partition)?.offset ?? 0;
        if (done < end) left.push(`${topic}/${partition} is committed to ${done} of ${end}`);
      }
    }
    for (const { appending } of this.#nodes) if (appending > 0) left.push(`${appending} appends are not answered`);
    for (const { key, waiting, isOpen } of this.#streams)
      if (isOpen && waiting > 0) left.push(`${key} waits for ${waiting} answers`);
    return left;
  }

  /** Nothing is left behind: no rows, no counts, no memory, no timers. */
  async #end(): Promise<void> {
    for (const key of this.truth.devices) {
      if (this.truth.hasLeft(key)) continue;
      const { spans } = await this.#pending.view(key);
      for (const { lane, last } of spans) {
        const rows = await this.#pending.page({
          device: key,
          lane,
          after: -1,
          upTo: last,
          limit: 9,
          now: this.#time.now(),
        });
        if (rows.length > 0) throw new Violation(`rows of ${key} are left: ${lane}/${rows.map(({ ko }) => ko)}`);
      }
    }
    await this.#checkLedger();
    this.#checkMemory();
    const closing = Promise.all(this.#nodes.map((node) => node.close()));
    let isClosed = false;
    void closing.then(() => {
      isClosed = true;
    });
    for (let second = 0; second < 60 && !isClosed; second++) {
      this.#time.advance(1_000);
      for (let turn = 0; turn < 6; turn++) await setImmediate();
    }
    if (!isClosed) throw new Violation('the nodes do not close');
    this.#time.advance(60_000);
    for (let turn = 0; turn < 6; turn++) await setImmediate();
    if (this.#time.pending > 0) throw new Violation(`${this.#time.pending} timers are left`);
  }

  async #checkLedger(): Promise<void> {
    const counts = async () =>
      Promise.all(
        this.truth.devices
          .filter((key) => !this.truth.hasLeft(key))
          .map(async (key) => (await this.#ledger.usage(deviceOfKey(key))).count),
      );
    const isExact = !(['log', 'ledger', 'receipts', 'crash', 'old-acks', 'clocks', 'listed', 'restart'] as const).some(
      (trouble) => this.#troubles.has(trouble),
    );
    const later = this.#time.now() + 2 * longMs;
    if (isExact) for (const { mail } of this.#nodes) await mail.mailbox.expire(this.#time.now());
    else await this.#ledger.expire(later, 1_000);
    const left = await counts();
    if (left.some((count) => count > 0)) throw new Violation(`the ledger counts ${left}`);
  }

  /** One inbox a stream, nothing in it, and nothing open in the partitions. */
  #checkMemory(): void {
    for (const { name, mail, streams } of this.#nodes) {
      const { all } = mail.inboxes;
      if (all.length !== streams.size)
        throw new Violation(`${name} has ${all.length} inboxes for ${streams.size} streams`);
      if (mail.inboxes.waitingSince !== undefined) throw new Violation(`${name} keeps entries that were acked`);
      const open = mail.partitions.filter(({ oldest }) => oldest !== undefined);
      if (open.length > 0) throw new Violation(`${name} has records open in ${open.length} partitions`);
    }
  }

  #checked(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.broken ??= error instanceof Violation ? error : new Violation(String(error));
    }
  }
}

/** What stands for an engine that may be another one by the next call. */
function behind<Engine extends object>(engine: () => Engine): Engine {
  return new Proxy({} as Engine, {
    get(_, property) {
      const method: unknown = Reflect.get(engine(), property);
      return typeof method === 'function' ? method.bind(engine()) : method;
    },
  });
}
