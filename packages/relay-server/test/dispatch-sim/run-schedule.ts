import { dayMs } from '../../src/platform/utc-day.ts';
import { type Fault, hintFaults, type PlantedBug } from './fault.ts';
import { Violation } from './ledger.ts';
import type { SimClient, SimConn } from './sim-client.ts';
import type { SimNode } from './sim-node.ts';
import { SimWorld } from './sim-world.ts';
import type { SimOp } from './surroundings.ts';

/** How a schedule is run. */
export interface ScheduleOptions {
  readonly seed: number;
  readonly bug?: PlantedBug | undefined;
  readonly say?: ((text: string) => void) | undefined;
}

/** What came of it. */
export interface ScheduleOutcome {
  readonly seed: number;
  readonly violation: string | undefined;
  readonly events: number;
  readonly calm: boolean;
  readonly struck: ReadonlySet<Fault>;
  readonly crashes: ReadonlySet<string>;
  readonly records: number;
  readonly writes: number;
}

const mostEvents = 20_000;

/** Plays one schedule: at least 50 events drawn by the seed, then a quiet phase in which everything has to come to rest. */
export function runSchedule({ seed, bug, say }: ScheduleOptions): ScheduleOutcome {
  const world = new SimWorld(seed, bug, say);
  const schedule = new Schedule(world);
  let violation: string | undefined;
  try {
    schedule.run();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error.message;
    if (world.tracing) world.say(`VIOLATION: ${violation}`);
  }
  return {
    seed,
    violation,
    events: schedule.events,
    calm: world.calm,
    struck: world.struck,
    crashes: world.crashes,
    records: world.records,
    writes: world.ledger.writes,
  };
}

type Kind =
  | 'wire'
  | 'op'
  | 'receive'
  | 'hear'
  | 'ack'
  | 'effect'
  | 'fetch'
  | 'server'
  | 'client'
  | 'produce'
  | 'time'
  | 'fault'
  | 'connect';

const kinds: readonly Kind[] = [
  'wire',
  'op',
  'receive',
  'hear',
  'ack',
  'effect',
  'fetch',
  'server',
  'client',
  'produce',
  'time',
  'fault',
  'connect',
];

const noWeights: readonly [number, number, number, number, number, number, number, number, number, number] = [
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

class Schedule {
  readonly #world: SimWorld;
  events = 0;
  #toProduce: number;
  readonly #weights = new Float64Array(kinds.length);

  constructor(world: SimWorld) {
    this.#world = world;
    this.#toProduce = world.hinted ? 1 + world.random.below(8) : 4 + world.random.below(16);
  }

  run(): void {
    const world = this.#world;
    if (world.calm) {
      for (const client of world.clients) world.connect(client, world.random.pick(world.nodes));
      this.#settle();
    }
    const length = 60 + world.random.below(90);
    while (this.events < length || this.#toProduce > 0) this.#step();
    this.#quiet();
  }

  /** Draws an event among all that can happen. */
  #step(): void {
    const world = this.#world;
    const { random } = world;
    this.events++;
    if (this.events > mostEvents) throw new Violation('does not come to rest');
    world.now += world.strikes('slow', 0.2) ? random.below(6_000) : random.below(4);
    world.sweepConns();
    const weights = this.#weights;
    const sum = this.#weigh();
    if (sum === 0) {
      world.now += 100;
      return;
    }
    let drawn = random.unit() * sum;
    for (let at = 0; at < kinds.length; at++) {
      drawn -= weights[at] ?? 0;
      if (drawn < 0 && (weights[at] ?? 0) > 0) {
        this.#do(kinds[at] as Kind);
        return;
      }
    }
  }

  /** How likely each kind of event is now; 0 where nothing of the kind can happen. Gives the sum. */
  #weigh(): number {
    const world = this.#world;
    const { quiet, conns, clients, nodes, ops, wire } = world;
    let [receive, hear, server, client, ack, connect, effect, fetch, op, anyRuns] = noWeights;
    for (const conn of conns) {
      const { clientOpen, serverOpen } = conn;
      if (clientOpen && conn.down.length > 0) receive = 8;
      if (clientOpen && !serverOpen) client = 1.5;
      if (!serverOpen) continue;
      if (hear === 0 && this.#canHear(conn)) hear = 8;
      if (server === 0 && this.#serverMayNotice(conn)) server = 1;
    }
    for (const node of nodes) {
      if (!node.runs) continue;
      anyRuns = 1;
      if (node.hasEffects) effect = 16;
      if (fetch === 0 && world.fetchable(node) !== undefined) fetch = 5;
    }
    for (const candidate of clients) {
      if (canAck(candidate)) ack = !quiet && world.allowed.has('late-ack') ? 0.7 : 6;
      if (anyRuns === 1 && this.#wantsToConnect(candidate)) connect = 2.5;
    }
    for (const candidate of ops) {
      if (!this.#canRun(candidate)) continue;
      op = Math.min(ops.length, 6) * 4;
      break;
    }
    const time = quiet ? 0 : !world.calm ? (world.hinted ? 0.15 : 0.6) : this.#isBusy() ? 0 : 0.3;
    const fault = quiet || world.allowed.size === 0 ? 0 : 2;
    const produce = this.#toProduce > 0 && !quiet ? 4 : 0;
    const onWire = Math.min(wire.length, 4) * 4;
    const weights = this.#weights;
    weights[0] = onWire;
    weights[1] = op;
    weights[2] = receive;
    weights[3] = hear;
    weights[4] = ack;
    weights[5] = effect;
    weights[6] = fetch;
    weights[7] = server;
    weights[8] = client;
    weights[9] = produce;
    weights[10] = time;
    weights[11] = fault;
    weights[12] = connect;
    return onWire + op + receive + hear + ack + effect + fetch + server + client + produce + time + fault + connect;
  }

  /** Without faults time passes only when nothing else is to be done: nothing is late then. */
  #isBusy(): boolean {
    const { wire, ops, conns, clients } = this.#world;
    if (wire.length + ops.length > 0 || clients.some(({ got }) => got.length > 0)) return true;
    return conns.some(({ down, up }) => down.length + up.length > 0);
  }

  #canRun({ node, life, stage }: SimOp): boolean {
    const owner = this.#world.nodes[node];
    return owner === undefined || !owner.paused || owner.life !== life || stage !== 'applied';
  }

  #canHear(conn: SimConn): boolean {
    return conn.serverOpen && conn.up.length > 0 && this.#world.nodes[conn.node]?.runs === true;
  }

  #serverMayNotice(conn: SimConn): boolean {
    if (!conn.serverOpen || conn.clientOpen || !this.#world.nodes[conn.node]?.runs) return false;
    return !this.#world.quiet || conn.up.length === 0;
  }

  #wantsToConnect({ conn, stays }: SimClient): boolean {
    if (stays && !this.#world.quiet) return false;
    return conn === undefined || !conn.clientOpen;
  }

  #do(kind: Kind): void {
    const world = this.#world;
    const { random } = world;
    switch (kind) {
      case 'wire': {
        const at = random.below(world.wire.length);
        const to = world.nodes[world.wire[at]?.to ?? 0];
        if (to?.paused !== true) world.runWire(at);
        break;
      }
      case 'op':
        world.runOp(random.below(world.ops.length));
        break;
      case 'receive':
        world.receive(random.pick(world.conns.filter(canReceive)));
        break;
      case 'hear': {
        const conn = random.pick(
          world.conns.filter((c) => c.serverOpen && c.up.length > 0 && world.nodes[c.node]?.runs),
        );
        world.hearAcks(conn);
        break;
      }
      case 'ack':
        world.ackOne(random.pick(world.clients.filter(canAck)));
        break;
      case 'effect': {
        const node = random.pick(world.nodes.filter((candidate) => candidate.runs && candidate.hasEffects));
        if (world.strikes('crash', 0.02)) this.#crash(node);
        else node.runEffect();
        break;
      }
      case 'fetch': {
        const node = random.pick(world.nodes.filter((n) => n.runs && world.fetchable(n) !== undefined));
        world.fetch(node, random.pick(node.owned.filter((owned) => world.canFetch(owned))));
        break;
      }
      case 'server':
        world.serverNotices(random.pick(world.conns.filter((conn) => this.#serverMayNotice(conn))));
        break;
      case 'client':
        world.clientNotices(random.pick(world.conns.filter(clientMayNotice)));
        break;
      case 'produce':
        this.#toProduce--;
        world.produce();
        break;
      case 'time':
        this.#passTime();
        break;
      case 'fault':
        this.#fault(random.pick([...world.allowed]));
        break;
      case 'connect': {
        const client = random.pick(world.clients.filter((c) => this.#wantsToConnect(c)));
        world.connect(client, random.pick(world.nodes.filter(({ runs }) => runs)));
        break;
      }
    }
  }

  /** The time of the next timer. */
  #nextTimer(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const node of this.#world.nodes) if (node.runs) at = Math.min(at, node.wakeAt());
    return at;
  }

  #passTime(): void {
    const world = this.#world;
    const at = this.#nextTimer();
    if (at === Number.POSITIVE_INFINITY) return;
    world.now = Math.max(world.now, at);
    if (world.tracing) world.say('timers');
    for (const node of world.nodes) if (node.runs && node.wakeAt() <= world.now) node.wake();
  }

  #fault(fault: Fault): void {
    const world = this.#world;
    const { random, nodes } = world;
    switch (fault) {
      case 'drop': {
        const open = world.conns.filter(({ clientOpen }) => clientOpen);
        if (open.length === 0 || !world.strikes(fault, 0.6)) return;
        const conn = random.pick(open);
        conn.clientOpen = false;
        conn.down.length = 0;
        if (random.chance(0.5)) conn.up.length = 0;
        if (world.tracing) world.say(`${conn.client.device} loses stream ${conn.id}`);
        return;
      }
      case 'move': {
        // A second login while the first connection is open.
        const open = world.clients.filter(({ conn }) => conn?.clientOpen);
        const up = nodes.filter(({ runs }) => runs);
        if (open.length === 0 || up.length === 0 || !world.strikes(fault, 0.5)) return;
        world.connect(random.pick(open), random.pick(up));
        return;
      }
      case 'crash': {
        const down = nodes.filter(({ up }) => !up);
        if (down.length > 0 && random.chance(0.6)) {
          const node = random.pick(down);
          node.up = true;
          if (world.tracing) world.say(`${node.name} starts`);
          return;
        }
        const up = nodes.filter((node) => node.up);
        if (up.length === 0 || !world.strikes(fault, 0.5)) return;
        this.#crash(random.pick(up));
        return;
      }
      case 'pause': {
        const paused = nodes.filter((node) => node.paused);
        if (paused.length > 0 && random.chance(0.6)) {
          const node = random.pick(paused);
          node.paused = false;
          if (world.tracing) world.say(`${node.name} wakes`);
          return;
        }
        const running = nodes.filter(({ runs }) => runs);
        if (running.length === 0 || !world.strikes(fault, 0.5)) return;
        const node = random.pick(running);
        node.paused = true;
        if (world.tracing) world.say(`${node.name} is paused`);
        return;
      }
      case 'rebalance':
        if (!world.strikes(fault, 0.6)) return;
        if (random.chance(0.7)) world.rebalance();
        else world.beginToGiveAway();
        return;
      case 'late-revoke':
        if (random.chance(0.3)) world.rebalance();
        return;
      case 'wipe':
        if (!world.strikes(fault, 0.3)) return;
        world.presence.wipe(world.strikes('repeated-epoch', 0.7));
        if (world.tracing) world.say('presence is wiped');
        return;
      case 'rollback':
        if (!world.strikes(fault, 0.3)) return;
        world.presence.rollback();
        if (world.tracing) world.say('presence forgets its last writes');
        return;
      case 'recreate': {
        if (!world.strikes(fault, 0.2)) return;
        const slot = random.pick(world.slots);
        if (slot.log !== undefined) world.ledger.topicGone(slot.log.lane);
        // The broker forgets the commit with the topic; one that is under way may still come.
        if (random.chance(0.5)) slot.commit = undefined;
        world.createTopic(slot);
        if (world.tracing) world.say(`topic ${slot.name} is made anew`);
        return;
      }
      case 'expiry':
        if (!world.strikes(fault, 0.2)) return;
        world.now += 31 * dayMs;
        if (world.tracing) world.say('31 days pass');
        return;
      default:
    }
  }

  #crash(node: SimNode): void {
    const world = this.#world;
    if (node.hasEffects) world.crashes.add(node.nextEffect);
    if (world.tracing) world.say(`${node.name} dies before ${node.nextEffect}`);
    for (const conn of world.conns) {
      if (conn.node !== node.index || !conn.serverOpen) continue;
      conn.serverOpen = false;
      conn.down.length = world.random.below(conn.down.length + 1);
    }
    node.crash();
  }

  /** Lets happen what is under way, without time passing. */
  #settle(): void {
    const world = this.#world;
    const before = world.quiet;
    world.quiet = true;
    while (this.#weigh() > 0) this.#step();
    world.quiet = before;
  }

  #quiet(): void {
    const world = this.#world;
    if (world.tracing) world.say('quiet');
    world.quiet = true;
    for (const node of world.nodes) {
      node.paused = false;
      node.up = true;
      node.buffered = false;
      while (node.hasEffects) node.runEffect();
    }
    if (world.unsettledGroup) world.rebalance();
    this.#settle();
    if (!world.calm && this.#hintsAreSafe()) this.#checkNothingWaitsForTimer();
    const rest = world.inboxTerms.lookMs * 2 + 5_000;
    let since = world.now;
    let activity = -1;
    while (world.now - since <= rest || world.nodes.some(({ waits }) => waits)) {
      if (activity !== world.activity) {
        activity = world.activity;
        since = world.now;
      }
      this.#passTime();
      this.#settle();
    }
    this.#checkRest();
    for (const client of world.clients) world.connect(client, world.random.pick(world.nodes));
    this.#settle();
  }

  #hintsAreSafe(): boolean {
    for (const fault of this.#world.struck) if (hintFaults.has(fault)) return false;
    return true;
  }

  /** No hint was lost: so no row may wait for somebody to look by chance. What is held or tried again has its own timer. */
  #checkNothingWaitsForTimer(): void {
    const world = this.#world;
    if (world.nodes.some(({ waits }) => waits)) return;
    for (const { device, lane, ko } of world.ledger.rowsWaiting(world.now)) {
      const session = world.nodes
        .flatMap(({ sessions }) => sessions)
        .find(({ conn }) => conn.client.device === device && conn.clientOpen && conn.client.conn === conn);
      if (session?.inbox.epoch === undefined) continue;
      throw new Violation(`${lane}@${ko} lies in Cassandra and nobody told ${device}`);
    }
  }

  #checkRest(): void {
    const world = this.#world;
    world.ledger.checkDelivered(world.now);
    const left = world.pending.left(world.now)[0];
    if (left !== undefined) throw new Violation(`the row of ${left.device} ${left.lane}@${left.ko} is left`);
    for (const slot of world.slots) {
      const owned = world.nodes[slot.owner]?.owned.find(({ log }) => log === slot.log);
      if (owned === undefined) throw new Violation(`nobody has ${slot.name}`);
      const end = slot.log?.records.at(-1)?.ko;
      if (end !== undefined && owned.dispatch.committed !== end + 1)
        throw new Violation(`${slot.name} is committed up to ${owned.dispatch.committed}, not ${end + 1}`);
    }
    if (world.calm && world.ledger.writes > 0)
      throw new Violation(`${world.ledger.writes} writes into Cassandra for devices that are online`);
    world.ledger.atRest = true;
  }
}

function canAck({ got, conn }: SimClient): boolean {
  return got.length > 0 && conn?.clientOpen === true;
}

function canReceive({ clientOpen, down }: SimConn): boolean {
  return clientOpen && down.length > 0;
}

function clientMayNotice({ clientOpen, serverOpen }: SimConn): boolean {
  return clientOpen && !serverOpen;
}
