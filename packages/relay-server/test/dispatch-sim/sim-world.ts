import { type DeviceKey, type LaneMail, laneIdOf } from '../../src/dispatch/delivery-lane.ts';
import type { NodeMessage } from '../../src/dispatch/hand-over.ts';
import { type InboxTerms, inboxTerms } from '../../src/dispatch/inbox-state.ts';
import { laneTerms } from '../../src/dispatch/lane-dispatch.ts';
import { type FetchedRecord, type PartitionTerms, partitionTerms } from '../../src/dispatch/partition-dispatch.ts';
import { dayMs } from '../../src/platform/utc-day.ts';
import { type Fault, faults, hintFaults, type PlantedBug } from './fault.ts';
import { Ledger, Violation } from './ledger.ts';
import { PendingRows } from './pending-rows.ts';
import { PresenceModel } from './presence-model.ts';
import type { SimClient, SimConn } from './sim-client.ts';
import type { SimLog, SimSlot } from './sim-log.ts';
import { effectText, type Owned, SimNode } from './sim-node.ts';
import { SimRandom } from './sim-random.ts';
import type { SimOp, Surroundings } from './surroundings.ts';

const nothing = new Uint8Array(0);
const firstDay = 20_000;
/** Shortly before midnight: what comes early and what comes late is of two days. */
const start = (firstDay + 1) * dayMs - 300;

/** How often each fault of a schedule is allowed, by its drawing; rare ones end much of what a schedule could show. */
const rarity: Partial<Record<Fault, number>> = { expiry: 0.04, recreate: 0.1, 'repeated-epoch': 0.1, backdated: 0.3 };

/** A message on its way between nodes. */
interface OnTheWay {
  readonly from: number;
  readonly to: number;
  /** The life of the receiver that it was sent to. */
  readonly life: number;
  readonly message: NodeMessage;
}

/** Everything that a schedule consists of. */
export class SimWorld implements Surroundings {
  readonly random: SimRandom;
  readonly partitionTerms: PartitionTerms;
  readonly inboxTerms: InboxTerms;
  readonly pending = new PendingRows();
  readonly presence = new PresenceModel();
  readonly ledger = new Ledger(this.pending);
  readonly bug: PlantedBug | undefined;
  readonly firstDay = firstDay;
  readonly nodes: SimNode[] = [];
  readonly clients: SimClient[] = [];
  readonly slots: SimSlot[] = [];
  conns: SimConn[] = [];
  readonly wire: OnTheWay[] = [];
  readonly ops: SimOp[] = [];
  /** What this schedule may do; empty in the quiet phase. */
  readonly allowed = new Set<Fault>();
  readonly struck = new Set<Fault>();
  /** Before which effects a node has died. */
  readonly crashes = new Set<string>();
  /** No fault at all, and every device is connected before the first record. */
  readonly calm: boolean;
  /** Nothing may happen by which a hint is lost. */
  readonly hinted: boolean;
  quiet = false;
  now = start;
  generation = 1;
  activity = 0;
  connections = 0;
  #records = 0;
  #landsLate = false;
  readonly #say: ((text: string) => void) | undefined;

  constructor(seed: number, bug: PlantedBug | undefined, say: ((text: string) => void) | undefined) {
    const random = new SimRandom(seed);
    this.random = random;
    this.bug = bug;
    this.now = start + random.below(300);
    this.#say = say;
    this.calm = random.chance(0.05);
    const share = random.pick([0.1, 0.25, 0.45]);
    // Some schedules have no fault by which a hint is lost, so that what only a timer finds is seen; devices come and go in them.
    const hinted = !this.calm && random.chance(0.35);
    this.hinted = hinted;
    for (const fault of faults) {
      if (this.calm || (hinted && hintFaults.has(fault))) continue;
      if (
        random.chance(
          hinted && (fault === 'drop' || fault === 'move' || fault === 'op-slow') ? 0.8 : (rarity[fault] ?? share),
        )
      )
        this.allowed.add(fault);
    }
    for (const fault of ['late-ack', 'skew'] as const) if (this.allowed.has(fault)) this.struck.add(fault);
    const few = (least: number, spread: number) => least + random.below(spread);
    this.partitionTerms = {
      lane: { ...laneTerms, depth: few(1, 4) },
      openRecords: few(2, 8),
      openParts: 16,
      openBytes: partitionTerms.openBytes,
      idleLanes: few(0, 4),
      retryMs: 1_000,
    };
    this.inboxTerms = { ...inboxTerms, window: few(1, 6), page: few(1, 3), lanes: few(3, 3), ahead: few(1, 4) };
    const buffered = this.allowed.has('crash') || this.allowed.has('pause') || random.chance(0.2);
    for (let index = few(1, 3); index >= 0; index--) {
      const skew = this.allowed.has('skew') ? random.below(20_000) - 10_000 : 0;
      const node = new SimNode(this.nodes.length, skew, this);
      node.buffered = buffered && !this.calm;
      node.generation = this.generation;
      this.nodes.push(node);
    }
    for (let index = few(1, 3); index > 0; index--)
      this.clients.push({ device: `d${index}` as DeviceKey, conn: undefined, got: [], stays: false });
    for (let index = few(1, 2); index > 0; index--) {
      const slot: SimSlot = {
        name: `t${index}`,
        incarnation: 0,
        log: undefined,
        commit: undefined,
        owner: -1,
        fetchedTo: 0,
      };
      this.slots.push(slot);
      this.createTopic(slot);
      this.give(slot, random.below(this.nodes.length));
    }
    if (this.tracing)
      this.say(
        `${this.nodes.length} nodes, ${this.clients.length} devices, ${this.slots.length} partitions; faults: ${[...this.allowed].join(' ') || 'none'}; ` +
          `window ${this.inboxTerms.window}, page ${this.inboxTerms.page}, depth ${this.partitionTerms.lane.depth}, open ${this.partitionTerms.openRecords}`,
      );
  }

  get tracing(): boolean {
    return this.#say !== undefined;
  }

  say(text: string): void {
    this.#say?.(`${((this.now - start) / 1_000).toFixed(3)} ${text}`);
  }

  strikes(fault: Fault, probability: number): boolean {
    if (this.quiet || !this.allowed.has(fault) || !this.random.chance(probability)) return false;
    this.struck.add(fault);
    return true;
  }

  active(): void {
    this.activity++;
  }

  clientOf(device: DeviceKey): SimClient {
    const client = this.clients.find((candidate) => candidate.device === device);
    if (client === undefined) throw new Error(`no ${device}`);
    return client;
  }

  // What nodes ask of engines.

  ask(op: SimOp): void {
    if (this.strikes('op-refused', 0.1)) op.fate = 'lost';
    else if (this.strikes('op-timeout', 0.1)) op.fate = 'late';
    if (this.strikes('op-slow', 0.15)) op.delay = 5 + this.random.below(30);
    this.ops.push(op);
  }

  /** The op goes one step on: is refused, applied or answered. */
  runOp(at: number): void {
    const op = this.ops[at];
    const node = op && this.nodes[op.node];
    if (op === undefined || node === undefined) return;
    if (op.delay > 0 && op.stage === 'sent' && !this.quiet) {
      op.delay--;
      return;
    }
    const alive = node.life === op.life;
    if (op.stage === 'sent' && op.fate === 'well') {
      if (this.tracing) this.say(`applied: ${op.label}`);
      op.result = op.apply();
      op.stage = 'applied';
      if (!alive) this.#drop(at);
      return;
    }
    if (op.stage === 'orphan') {
      this.#drop(at);
      // It may also never have come.
      if (this.random.chance(0.2)) return;
      if (this.tracing) this.say(`applied late: ${op.label}`);
      this.#landsLate = true;
      op.apply();
      this.#landsLate = false;
      return;
    }
    if (!alive) {
      // Its asker is dead; what was sent lands, or not.
      if (op.stage === 'sent') op.stage = 'orphan';
      else this.#drop(at);
      return;
    }
    if (node.paused) return;
    const ok = op.stage === 'applied';
    if (op.fate === 'late') op.stage = 'orphan';
    else this.#drop(at);
    if (this.tracing) this.say(`${ok ? 'answered' : 'failed'}: ${op.label}`);
    op.reply(op.result, ok);
  }

  #drop(at: number): void {
    this.ops.splice(at, 1);
  }

  commit(log: SimLog, offset: number, generation: number): boolean {
    if (generation !== this.generation) return false;
    const { slot, lane } = log;
    const from = slot.commit?.lane === lane ? slot.commit.offset : 0;
    // A commit that nobody waits for any more may come after a later one: the next owner repeats a little.
    if (offset < from && !this.#landsLate)
      throw new Violation(`the commit of ${lane} goes back from ${from} to ${offset}`);
    for (const record of log.records) if (record.ko >= from && record.ko < offset) this.#checkSettled(log, record);
    slot.commit = { offset, lane };
    return true;
  }

  #checkSettled(log: SimLog, record: FetchedRecord): void {
    if (log.slot.log !== log) return;
    const { lane } = log;
    if (record.kind === 'poison') {
      if (!log.parked.has(record.ko))
        throw new Violation(`the commit of ${lane} passes poison ${record.ko}, which is not parked`);
      return;
    }
    for (const { device } of record.parts) {
      const owed = this.ledger.find(device, lane, record.ko);
      if (!this.ledger.isSettled(device, lane, owed, this.now))
        throw new Violation(
          `the commit of ${lane} passes ${record.ko}, which is neither acked by ${device} nor stored`,
        );
    }
  }

  // What nodes say to each other.

  send(from: number, to: string, message: NodeMessage): void {
    const node = this.nodes.find(({ name }) => name === to);
    if (node === undefined) return;
    if (this.strikes('rpc-loss', 0.15)) {
      if (this.tracing) this.say(`lost: ${effectText(message)}`);
      return;
    }
    const sent: OnTheWay = { from, to: node.index, life: node.life, message };
    this.wire.push(sent);
    if (this.strikes('rpc-dup', 0.15)) this.wire.push(sent);
  }

  /** A message arrives: the first of its pair of nodes, unless order is lost. */
  runWire(drawn: number): void {
    let at = drawn;
    const chosen = this.wire[drawn];
    if (chosen === undefined) return;
    if (!this.strikes('rpc-reorder', 0.5))
      at = this.wire.findIndex(({ from, to }) => from === chosen.from && to === chosen.to);
    const [sent] = this.wire.splice(at, 1);
    const node = sent && this.nodes[sent.to];
    const sender = sent && this.nodes[sent.from];
    if (sent === undefined || node === undefined || sender === undefined) return;
    if (!node.up || node.life !== sent.life) return;
    if (this.tracing) this.say(`${node.name} hears from ${sender.name}: ${effectText(sent.message)}`);
    node.takeMessage(sender.name, sent.message);
  }

  // Kafka.

  createTopic(slot: SimSlot): void {
    slot.incarnation++;
    slot.fetchedTo = 0;
    const lane = laneIdOf('c', `${slot.name}.${slot.incarnation}`, 0);
    slot.log = { slot, lane, records: [], end: 0, parked: new Set() };
  }

  /** Ingress takes a record for some devices. */
  produce(): void {
    const { log } = this.random.pick(this.slots);
    if (log === undefined) return;
    const ko = log.end + (this.random.chance(0.2) ? this.random.below(3) : 0);
    log.end = ko + 1;
    if (this.strikes('poison', 0.1)) {
      log.records.push({ kind: 'poison', ko, bytes: nothing });
      return;
    }
    const back = this.strikes('backdated', 0.3) ? dayMs : 0;
    const time = this.now - back;
    const mail: LaneMail = { ko, time, expiresAt: time + 30 * dayMs, envelope: nothing };
    const devices = this.clients.filter(() => this.random.chance(0.7)).map(({ device }) => device);
    log.records.push({
      kind: 'mail',
      ko,
      time,
      expiresAt: mail.expiresAt,
      size: 0,
      parts: devices.map((device) => ({ device, envelope: nothing })),
    });
    for (const device of devices) this.ledger.owe(device, log.lane, mail);
    this.#records++;
    if (this.tracing) this.say(`accepted: ${log.lane}@${ko} for ${devices.join(' ')}`);
  }

  get records(): number {
    return this.#records;
  }

  fetch(node: SimNode, owned: Owned): void {
    const { log } = owned;
    const most = 1 + this.random.below(3);
    const records = log.records.filter(({ ko }) => ko >= owned.position).slice(0, most);
    const last = records.at(-1);
    if (last === undefined) return;
    owned.position = last.ko + 1;
    log.slot.fetchedTo = Math.max(log.slot.fetchedTo, owned.position);
    if (this.tracing) this.say(`${node.name} fetches ${log.lane}@${records.map(({ ko }) => ko).join(',')}`);
    node.toPartition(owned, { kind: 'fetched', records });
  }

  canFetch(owned: Owned): boolean {
    return (
      !owned.paused && !owned.dispatch.paused && owned.position < owned.log.end && owned.log.slot.log === owned.log
    );
  }

  /** A partition of the node's that has records to fetch. */
  fetchable(node: SimNode): Owned | undefined {
    for (const owned of node.owned) if (this.canFetch(owned)) return owned;
    return undefined;
  }

  give(slot: SimSlot, to: number): void {
    const { log } = slot;
    const node = this.nodes[to];
    slot.owner = node === undefined ? -1 : to;
    if (log === undefined || node === undefined) return;
    if (this.tracing) this.say(`${log.lane} is assigned to ${node.name}`);
    node.assign(log);
  }

  /** The group deals its partitions anew. Who does not take part loses his, and learns it later. */
  rebalance(): void {
    const taking = this.nodes.filter((node) => node.runs && !this.strikes('late-revoke', 0.25));
    this.generation++;
    for (const node of taking) this.#learn(node);
    for (const node of taking) node.generation = this.generation;
    for (const slot of this.slots) {
      const before = this.nodes[slot.owner];
      const stays = before !== undefined && taking.includes(before);
      const current = before?.owned.find((owned) => owned.log === slot.log && !owned.lost);
      if (stays && current !== undefined && this.random.chance(0.5)) continue;
      if (before !== undefined)
        for (const owned of [...before.owned]) if (owned.log.slot === slot) this.#take(before, owned, stays);
      this.give(slot, taking.length === 0 ? -1 : this.random.pick(taking).index);
    }
  }

  /** A node that is about to give its partitions away has waited long enough for acks; what becomes of it is for later. */
  beginToGiveAway(): void {
    const node = this.random.pick(this.nodes);
    if (!node.runs) return;
    if (this.tracing) this.say(`${node.name} is about to give its partitions away`);
    for (const owned of [...node.owned]) node.toPartition(owned, { kind: 'ending' });
  }

  #take(node: SimNode, owned: Owned, told: boolean): void {
    if (this.tracing) this.say(`${owned.log.lane} is taken from ${node.name}${told ? '' : ', which does not know it'}`);
    if (told) node.revoke(owned);
    else owned.lost = true;
  }

  /** A node hears which partitions it has lost. */
  #learn(node: SimNode): void {
    for (const owned of [...node.owned]) if (owned.lost) node.revoke(owned);
  }

  /** Whether some live node has lost partitions without knowing, or some partition has no live owner. */
  get unsettledGroup(): boolean {
    for (const slot of this.slots) {
      const owner = this.nodes[slot.owner];
      if (!owner?.owned.some((owned) => owned.log === slot.log && !owned.lost)) return true;
    }
    return this.nodes.some((node) => node.runs && node.generation !== this.generation);
  }

  // Devices.

  connect(client: SimClient, to: SimNode): void {
    const conn: SimConn = {
      id: ++this.connections,
      client,
      node: to.index,
      openedAt: this.now,
      down: [],
      up: [],
      clientOpen: true,
      serverOpen: true,
      reason: undefined,
    };
    client.conn = conn;
    client.stays = false;
    this.conns.push(conn);
    if (this.tracing) this.say(`${client.device} connects to ${to.name}: stream ${conn.id}`);
    to.open(conn);
  }

  receive(conn: SimConn): void {
    const key = conn.down.shift();
    const { client } = conn;
    if (key === undefined) return;
    if (this.tracing) this.say(`${client.device} receives ${key.lane}@${key.ko} on stream ${conn.id}`);
    this.ledger.received(client.device, key.lane, key.ko);
    // What comes twice is acked twice: the first ack may be lost with its stream.
    client.got.push({ key, conn });
  }

  /** The device acks something that it has, in or out of order, on a connection that it has. */
  ackOne(client: SimClient): void {
    const at = this.strikes('ack-disorder', 0.5) ? this.random.below(client.got.length) : 0;
    const got = client.got[at];
    if (got === undefined) return;
    const old = got.conn.clientOpen && this.strikes('old-ack', 0.5);
    const conn = old ? got.conn : client.conn;
    if (conn === undefined || !conn.clientOpen) return;
    client.got.splice(at, 1);
    this.ledger.find(client.device, got.key.lane, got.key.ko).acked = true;
    conn.up.push(got.key);
    if (this.tracing) this.say(`${client.device} acks ${got.key.lane}@${got.key.ko} on stream ${conn.id}`);
  }

  hearAcks(conn: SimConn): void {
    const node = this.nodes[conn.node];
    const session = node?.sessions.find((candidate) => candidate.conn === conn);
    const keys = conn.up.splice(0, 1 + this.random.below(3));
    if (this.tracing)
      this.say(`stream ${conn.id} hears acks: ${keys.map(({ lane, ko }) => `${lane}@${ko}`).join(' ')}`);
    if (session !== undefined) node?.toSession(session, { kind: 'acked', keys });
  }

  serverNotices(conn: SimConn): void {
    conn.serverOpen = false;
    const node = this.nodes[conn.node];
    const session = node?.sessions.find((candidate) => candidate.conn === conn);
    if (this.tracing) this.say(`stream ${conn.id} is seen to be closed`);
    if (session !== undefined) node?.toSession(session, { kind: 'closed' });
  }

  clientNotices(conn: SimConn): void {
    const { client } = conn;
    conn.clientOpen = false;
    conn.down.length = 0;
    if (this.tracing)
      this.say(`${client.device} sees stream ${conn.id} closed${conn.reason === undefined ? '' : `: ${conn.reason}`}`);
    if (client.conn !== conn || conn.reason !== 'replaced') return;
    client.stays = true;
    // Two logins within the time that a claim may take can not be told apart, and epochs that repeat name the wrong stream.
    const fresh = this.conns.some(
      (other) => other.client === client && other !== conn && this.inLoginTime(other, conn),
    );
    if (!fresh && !this.struck.has('repeated-epoch'))
      throw new Violation(`the newest stream of ${client.device} was told that it is replaced`);
  }

  /** Whether `other` may have claimed as a login after `conn` had opened. */
  inLoginTime(other: SimConn, conn: SimConn): boolean {
    return other.openedAt + this.inboxTerms.loginMs >= conn.openedAt;
  }

  /** Connections that nobody has any more. */
  sweepConns(): void {
    if (this.conns.length > 12)
      this.conns = this.conns.filter(
        ({ clientOpen, serverOpen, down, up }) => clientOpen || serverOpen || down.length + up.length > 0,
      );
  }
}
