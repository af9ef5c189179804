import { answer, leave, say } from '../led/led-side.ts';
import type { HostCalls, HostReport, HostStart, Person } from './host-calls.ts';
import { MutedAcks } from './muted-acks.ts';
import { SteppedTracer } from './stepped-tracer.ts';
import { Talker } from './talker.ts';
import { unansweredSends } from './unanswered-sends.ts';

// Several people's clients in one process, each on a SQLite file, who write to each other and to those of other processes. Argument: a HostStart.

const start = JSON.parse(process.argv[2] ?? '{}') as HostStart;
const tracer = new SteppedTracer();
tracer.arm(start.fatal);
let aheadMs = start.aheadMs;
let peers = start.peers;
let isTalking = start.isTalking;
let sent = 0;

function tell(report: HostReport): void {
  say({ report }).catch(() => process.exit(3));
}

const acks = new MutedAcks();
const codes = new Map<string, (code: string) => void>();
const parts = {
  start,
  acks,
  tracer,
  clock: { now: () => Date.now() + aheadMs },
  peers: () => peers,
  isTalking: () => isTalking,
  onSent: () => {
    sent++;
  },
  log: (line: string) => tell({ type: 'log', line }),
  codeFor: (phone: string) =>
    new Promise<string>((resolve) => {
      codes.set(phone, resolve);
      tell({ type: 'code-wanted', phone });
    }),
  showLink: (device: string, code: string) => tell({ type: 'link-code', device, code }),
  onLinked: (device: string) => tell({ type: 'linked', device }),
  onNoticed: (device: string) => tell({ type: 'noticed', device }),
};

setInterval(() => tell({ type: 'sent', count: sent }), 500).unref();

const again = unansweredSends(start);
const talkers: Talker[] = [];

/** Once for each: whom this process began with may be added once more. */
async function join(person: Person): Promise<void> {
  const known = talkers.find(({ name }) => name === person.name);
  if (known !== undefined) return known.joined();
  const talker = new Talker(person, parts, again.get(person.name) ?? []);
  talkers.push(talker);
  await talker.join();
}

async function joinAll(): Promise<void> {
  await Promise.all(start.people.map(join));
  tell({ type: 'registered', phones: start.people.map(({ phone }) => phone) });
}

joinAll().catch((error: unknown) => {
  console.error(error);
  process.exit(4);
});

function talkerOf(name: string): Talker {
  const talker = talkers.find((one) => one.name === name);
  if (talker === undefined) throw new Error(`${name} is not here`);
  return talker;
}

answer<HostCalls>({
  arm: (fatal) => {
    tracer.arm(fatal);
  },
  setClock: (ms) => {
    aheadMs = ms;
  },
  code: ({ phone, code }) => {
    codes.get(phone)?.(code);
  },
  add: async (person) => {
    await join(person);
  },
  setPeers: (list) => {
    peers = list;
  },
  meet: async () => {
    await Promise.all(talkers.map((talker) => talker.meet()));
  },
  ask: async () => {
    await Promise.all(talkers.map((talker) => talker.ask()));
  },
  link: async ({ owner, code }) => {
    await talkerOf(owner).letIn(code);
  },
  revoke: ({ owner, device }) => talkerOf(owner).putOut(device),
  tend: async () => {
    await Promise.all(talkers.map((talker) => talker.tend()));
  },
  hushOne: async (name) => {
    await talkerOf(name).hush();
  },
  hush: async () => {
    isTalking = false;
    for (const talker of talkers) talker.reconnect();
    await Promise.all(talkers.map((talker) => talker.quiet()));
    tell({ type: 'sent', count: sent });
  },
  readAll: async () => {
    await Promise.all(talkers.map((talker) => talker.readAll()));
  },
  mute: (isMute) => {
    acks.set(isMute);
  },
  stop: async () => {
    await Promise.all(talkers.map((talker) => talker.stop()));
    leave();
  },
});
