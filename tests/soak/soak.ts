import { setTimeout as pause } from 'node:timers/promises';
import { classify, type Verdict } from '@sotto/testing/checker';
import { Seeded } from '../crash/seeded.ts';
import { abortable } from './abortable.ts';
import { DeviceTurns } from './device-turns.ts';
import { actionsOf, type FinalStores, finalStores, type Leftovers, leftoversOf } from './final-stores.ts';
import { KillLanes } from './kill-lanes.ts';
import type { PlantedBug, SoakOptions } from './soak-options.ts';
import { clientSteps } from './soak-steps.ts';
import { SoakWorld } from './soak-world.ts';
import { uncoveredKinds, uncoveredSteps, unmetFaults } from './step-coverage.ts';
import { Tally } from './tally.ts';
import { Weather, type WeatherParts } from './weather.ts';
import { worldFaults } from './world-faults.ts';

/** What a run found. */
export interface SoakOutcome {
  readonly ok: boolean;
  readonly verdict: Verdict;
  readonly leftovers: Leftovers;
  /** The names of the messages that still wait in their senders' outboxes. */
  readonly unsent: ReadonlySet<string>;
  /** What happened in groups. */
  readonly groups: GroupCounts;
  /** What became of further devices. */
  readonly devices: DeviceCounts;
  readonly tally: Tally;
  readonly kills: { readonly client: number; readonly relay: number };
  /** How often a relay node could not start, since an engine was not there. */
  readonly lateStarts: number;
  /** MiB, by process. */
  readonly memory: ReadonlyMap<string, number>;
  /** What else went wrong. */
  readonly problems: readonly string[];
  /** How long it took to come to rest. */
  readonly quietAfterMs: number;
  readonly folder: string;
}

/** Groups, how often somebody came into one after its beginning or went out of it, and how many copies of messages had to arrive. */
export interface GroupCounts {
  readonly groups: number;
  readonly came: number;
  readonly went: number;
  readonly due: number;
}

/** Further devices that there were, how often one was linked and revoked, and how many messages of other own devices all devices have. */
export interface DeviceCounts {
  readonly devices: number;
  readonly links: number;
  readonly revocations: number;
  readonly synced: number;
}

const second = 1_000;
/** So many clients are killed side by side. */
const clientLanes = 2;
/** When nothing has changed for so long, what is left will not go: a client notices within 70 s that a connection is dead. */
const standstillMs = 90 * second;
const plantedStandstillMs = 3 * second;
/** When nothing has changed for so long, what is left may wait for a later time: what can't be opened is asked for again after minutes, and then after hours. Nobody sits that out: all clocks are set on, so often at most. */
const patienceMs = 30 * second;
const leaps = { most: 3, ms: 7 * 3_600 * second };
/** A run with a planted bug ends after so many kills. */
const plantedHits = 2;
/** Where a planted bug shows. */
const plantedSteps: Readonly<Record<PlantedBug, { readonly side: 'client' | 'relay'; readonly step: string }>> = {
  'ack-before-commit': { side: 'client', step: 'decrypt.before-commit' },
  'result-before-commit': { side: 'relay', step: 'send.result.sent' },
  'dedupe-by-id-only': { side: 'relay', step: 'mailbox.append.before-fsync' },
  'sync-left-out': { side: 'client', step: 'result.committed' },
};

/** Who hears how a run goes, and who may end it. */
interface RunParts {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Runs a soak from its beginning to its end; `say` is told how it goes. The folder is removed unless something went wrong.
 * @param signal ends it early, whatever it is at: then it rejects with the signal's reason, and leaves nothing behind
 */
export async function soak(
  options: SoakOptions,
  say: (line: string) => void,
  signal: AbortSignal = new AbortController().signal,
): Promise<SoakOutcome> {
  const world = await SoakWorld.open(options, { say, signal });
  let isKept = true;
  try {
    say(`soak: seed ${options.seed}, ${options.minutes} min, ${options.clients} people, ${world.folder}`);
    // What is under way when the signal comes fails by itself once the world has ended.
    const outcome = await abortable(run(world, options, { say, signal }), signal);
    isKept = !outcome.ok && options.planted === undefined;
    return outcome;
  } catch (error) {
    // Processes may have got the same signal, and have ended before it was heard here.
    signal.throwIfAborted();
    throw error;
  } finally {
    const stays = isKept && !signal.aborted;
    await world.end(stays);
    if (stays) say(`soak: databases and logs stay in ${world.folder}`);
  }
}

async function run(world: SoakWorld, options: SoakOptions, parts: RunParts): Promise<SoakOutcome> {
  const further = furtherDevices(options);
  await world.start(further);
  const tally = new Tally(world.relays.steps);
  await disturb(world, tally, options, { ...parts, further });
  return judge(world, tally, options, parts);
}

/** Lets faults happen until the time is over. */
async function disturb(
  world: SoakWorld,
  tally: Tally,
  options: SoakOptions,
  parts: RunParts & {
    /** Whose further devices there are from the beginning. */
    readonly further: readonly string[];
  },
): Promise<void> {
  const { say, signal, further } = parts;
  if (options.cluster?.rolling) return world.relays.roll((ms) => pause(ms, undefined, { signal }));
  const totalMs = Math.round(options.minutes * 60 * second);
  const enough = new AbortController();
  const ending = AbortSignal.any([AbortSignal.timeout(totalMs), signal, enough.signal]);
  const seeded = (name: string) => new Seeded(name, options.seed);
  const planted = options.planted === undefined ? undefined : plantedSteps[options.planted];
  const killing = (kill: () => Promise<void>) => async () => {
    await kill();
    if (planted !== undefined && tally.hits(planted.step) >= plantedHits) enough.abort();
  };
  const lanes = (name: string) => new KillLanes({ world, tally, seeded: seeded(name), only: planted?.step });
  const client = lanes('client');
  const relay = lanes('relay');
  // So that a short run has time for each step, too.
  const clientEveryMs = Math.min(clientLanes * 5 * second, (clientLanes * totalMs * 0.5) / clientSteps.length);
  const relayEveryMs = Math.min(15 * second, (totalMs * 0.5) / world.relays.steps.length);
  const running: Promise<void>[] = [];
  if (planted?.side !== 'relay') {
    for (let count = 0; count < clientLanes; count++) {
      running.push(
        lane(
          killing(() => client.killClient()),
          clientEveryMs,
          ending,
        ),
      );
    }
  }
  if (planted?.side !== 'client')
    running.push(
      lane(
        killing(() => relay.killRelay()),
        relayEveryMs,
        ending,
      ),
    );
  if (planted === undefined) {
    const longestStopMs = Math.min(60 * second, Math.max(5 * second, totalMs / 10));
    const begin = (name: string, faults: WeatherParts['faults']) => {
      const weather = new Weather({ tally, seeded: seeded(name), longestStopMs, signal: ending, faults });
      running.push(lane(() => weather.next(), Math.min(6 * second, (totalMs * 0.9) / weather.kinds), ending));
    };
    const { relays } = world;
    if (options.cluster === undefined) {
      begin('weather', (parts) => [...worldFaults(world, parts), ...relays.faults(parts)]);
    } else {
      // Both at once: what the relay stands on breaks while clients come and go.
      begin('weather', (parts) => worldFaults(world, parts));
      begin('engines', (parts) => relays.faults(parts));
    }
  }
  if (planted === undefined && further.length > 0) {
    const turns = new DeviceTurns({ devices: world.devices, wanted: further.length, seeded: seeded('devices') });
    const everyMs = Math.min(12 * second, totalMs / 8);
    running.push(lane(() => turns.next(world.people.map(({ name }) => name)), everyMs, ending));
  }
  running.push(lane(async () => say(progress(world, tally)), 30 * second, ending));
  await Promise.all(running);
}

/** Does something again and again until the end. */
async function lane(act: () => Promise<void>, everyMs: number, ending: AbortSignal): Promise<void> {
  while (!ending.aborted) {
    const started = performance.now();
    await act();
    try {
      await pause(Math.max(50, everyMs - (performance.now() - started)), undefined, { signal: ending });
    } catch (error) {
      if (!ending.aborted) throw error;
    }
  }
}

function progress(world: SoakWorld, tally: Tally): string {
  const sent = world.hosts.reduce((sum, host) => sum + host.sent, 0);
  const kills = world.victims.reduce((sum, victim) => sum + victim.kills, 0);
  return `soak: ${sent} messages, ${kills} kills, ${tally.missing().length} steps to go`;
}

async function judge(world: SoakWorld, tally: Tally, options: SoakOptions, parts: RunParts): Promise<SoakOutcome> {
  const { say } = parts;
  await heal(world);
  say(`${progress(world, tally)}; waiting until it is quiet`);
  const started = performance.now();
  const leftovers = await quiet(world, options.planted === undefined ? standstillMs : plantedStandstillMs, parts);
  const quietAfterMs = Math.round(performance.now() - started);
  const memory = new Map(world.victims.map((victim) => [victim.name, victim.memory()]));
  const problems = [...world.victims.flatMap(({ unasked }) => unasked), ...world.relays.problems()];
  if (world.disk === undefined) {
    const text = 'no disk was filled: mounting a small one is not possible here';
    if (process.env.CI === 'true') problems.push(text);
    else say(`soak: ${text}`);
  }
  const stores = finalStores(world);
  const verdict = classify(actionsOf(world, stores), stores.histories);
  if (verdict.isEmpty) problems.push('nobody sent anything: the run shows nothing');
  problems.push(...world.devices.problems, ...stores.wronglyOut.map((name) => `${name} was put out by nobody`));
  const groups = groupsOf(stores);
  const devices = devicesOf(world, stores);
  problems.push(...unmetFaults(options, tally.coverage.unmet));
  problems.push(...uncoveredSteps(options, tally.missing()), ...uncoveredKinds(options, { ...groups, ...devices }));
  const isQuiet = Object.values(leftovers).every((count) => count === 0);
  const kills = {
    client: world.hosts.reduce((sum, host) => sum + host.kills, 0),
    relay: world.relays.nodes.reduce((sum, node) => sum + node.kills, 0),
  };
  return {
    ok: verdict.ok && isQuiet && problems.length === 0,
    verdict,
    leftovers,
    unsent: stores.unsent,
    groups,
    devices,
    tally,
    kills,
    lateStarts: world.relays.nodes.reduce((sum, node) => sum + node.lateStarts, 0),
    memory,
    problems,
    quietAfterMs,
    folder: world.folder,
  };
}

function groupsOf({ memberships, addresses }: FinalStores): GroupCounts {
  const due = addresses.reduce((sum, action) => sum + (action.type === 'address' ? action.receivers.length : 0), 0);
  return { ...memberships, due };
}

function devicesOf(world: SoakWorld, { synced }: FinalStores): DeviceCounts {
  const { links, revocations } = world.devices.counts;
  return { devices: world.devices.times().size, links, revocations, synced };
}

/** Every third person has a second device from the beginning, and the first one a third. */
function furtherDevices({ clients, planted, oneDevice }: SoakOptions): readonly string[] {
  if (oneDevice) return [];
  if (planted !== undefined && planted !== 'sync-left-out') return [];
  const owners = Array.from({ length: clients }, (_, at) => `p${at + 1}`).filter((_, at) => at % 3 === 0);
  return planted === undefined ? [...owners, 'p1'] : owners;
}

/** Ends every fault; all processes run, clocks are right, and nobody writes anything new. */
async function heal(world: SoakWorld): Promise<void> {
  world.disk?.free();
  await world.relays.heal();
  await Promise.all(world.proxies.map((proxy) => proxy.set('pass')));
  for (const victim of world.victims) {
    await victim.alone(async () => {
      victim.continue();
      victim.mayFail = false;
      await victim.revive();
      await victim.setClock(0);
      await victim.disarm();
    });
  }
  // Whoever is on the way in, or out, comes to an end while the others are quiet already.
  const hush = () => Promise.all(world.hosts.map((host) => host.process.call('hush', undefined)));
  await Promise.all([hush(), ...world.hosts.map((host) => host.registered), world.devices.settled()]);
  for (const host of world.hosts) host.setPeers(world.people);
  await hush();
}

/** All clocks go on alike; whoever has something to do by then does it. */
async function setClocks(world: SoakWorld, aheadMs: number): Promise<void> {
  await Promise.all(world.victims.map((victim) => victim.setClock(aheadMs)));
  await Promise.all(world.hosts.map((host) => host.process.call('hush', undefined)));
}

/** Waits until nothing is on its way any more, or nothing has moved for so long; gives what is left then. */
async function quiet(world: SoakWorld, standstill: number, { say, signal }: RunParts): Promise<Leftovers> {
  let before = '';
  let movedAt = performance.now();
  let saidAt = movedAt;
  let leapt = 0;
  for (;;) {
    await Promise.all(world.hosts.map((host) => host.process.call('readAll', undefined)));
    const leftovers = await leftoversOf(world);
    const now = JSON.stringify(leftovers);
    if (now !== before) movedAt = performance.now();
    before = now;
    if (
      standstill > patienceMs &&
      leapt < leaps.most &&
      leftovers.held > 0 &&
      performance.now() - movedAt > patienceMs
    ) {
      leapt++;
      movedAt = performance.now();
      say(`soak: ${leftovers.held} held: all clocks are set on by ${(leapt * leaps.ms) / 3_600 / second} h`);
      await setClocks(world, leapt * leaps.ms);
    }
    if (performance.now() - saidAt > 15 * second) {
      saidAt = performance.now();
      say(
        `soak: left in ${Object.entries(leftovers)
          .map(([where, count]) => `${where} ${count}`)
          .join(', ')}`,
      );
    }
    const isStill = performance.now() - movedAt > standstill;
    if (isStill || Object.values(leftovers).every((count) => count === 0)) return leftovers;
    // The databases are asked again: the time that passes proves nothing.
    await pause(300, undefined, { signal });
  }
}
