import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import * as native from '@signalapp/libsignal-client';
import * as wasm from '@sotto/libsignal-wasm';
import { alternate, type Comparison } from './alternation.ts';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { machineFacts } from './machine.ts';
import type { ProtocolLibrary } from './protocol-party.ts';
import { ProtocolParty } from './protocol-party.ts';
import { median, rounded } from './quantile.ts';

const target = 0.4;
const defaultMessages = 500;
const setUpsAMessage = 0.1;
const plaintext = new Uint8Array(320).fill(7);
const artefact = join(import.meta.dirname, '../../packages/libsignal-wasm/artefact/libsignal.wasm');
const people = ['a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0001', 'a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0002'] as const;

const libraries = { subject: wasm as ProtocolLibrary, baseline: native as unknown as ProtocolLibrary };
type Speeds = Readonly<Record<'encrypt' | 'decrypt' | 'setUp' | 'groupEncrypt' | 'groupDecrypt', number>>;

/** The WebAssembly library beside the native one: each operation's speed, sizes, and how long it takes to begin. */
export const wasmBench: Bench = {
  name: 'wasm',
  summary:
    'operations/s of libsignal as WebAssembly over native: encrypt, decrypt, set-up, group; the ratio is the worst',
  async run(options: BenchOptions, say: (line: string) => void): Promise<BenchResult> {
    const machine = machineFacts();
    const messages = Math.max(10, options.messages ?? defaultMessages);
    const rounds: { readonly subject: Speeds; readonly baseline: Speeds }[] = [];
    const limit = { rounds: options.rounds, seconds: options.seconds ?? 24 };
    await alternate(limit, async (number) => {
      const baseline = await speedsOf(libraries.baseline, messages);
      const subject = await speedsOf(libraries.subject, messages);
      rounds.push({ subject, baseline });
      say(`  round ${number}: ${lineOf(subject)} as WebAssembly, ${lineOf(baseline)} native`);
      return { subject: subject.encrypt, baseline: baseline.encrypt };
    });
    const counted = rounds.length > 1 ? rounds.slice(1) : rounds;
    const names = Object.keys(counted[0]?.subject ?? {}) as (keyof Speeds)[];
    const operations = names.map((name) => ({ name, ...of(name, counted) }));
    const [worst] = [...operations].sort((a, b) => a.ratio - b.ratio);
    if (worst === undefined) throw new Error('nothing was measured');
    const { name: worstIs, ...comparison } = worst;
    return {
      name: 'wasm',
      unit: 'operations/s',
      target,
      ...comparison,
      worstIs,
      operations,
      sizes: sizes(),
      instantiateMs: instantiateMs(),
      messagesPerRound: messages,
      plaintextBytes: plaintext.length,
      machine,
    };
  },
};

async function speedsOf(library: ProtocolLibrary, messages: number): Promise<Speeds> {
  const [alice, bob] = people.map((name) => new ProtocolParty(library, name));
  if (alice === undefined || bob === undefined) throw new Error('two people');
  await alice.start(bob);
  await bob.decrypt(alice, await alice.encrypt(bob, plaintext));
  await alice.decrypt(bob, await bob.encrypt(alice, plaintext));
  await alice.giveChain(bob);
  const setUps = Math.max(1, Math.round(messages * setUpsAMessage));
  const sent: wasm.CiphertextMessage[] = [];
  const encrypt = await perSecond(messages, async () => sent.push(await alice.encrypt(bob, plaintext)));
  const decrypt = await perSecond(messages, async (at) => bob.decrypt(alice, take(sent, at)));
  const group: Uint8Array<ArrayBuffer>[] = [];
  const groupEncrypt = await perSecond(messages, async () => group.push(await alice.encryptForGroup(plaintext)));
  const groupDecrypt = await perSecond(messages, async (at) => bob.decryptOfGroup(alice, take(group, at)));
  const setUp = await perSecond(setUps, async () => {
    const stranger = new ProtocolParty(library, people[1]);
    await alice.start(stranger);
    await stranger.decrypt(alice, await alice.encrypt(stranger, plaintext));
  });
  return { encrypt, decrypt, setUp, groupEncrypt, groupDecrypt };
}

function take<Item>(items: readonly Item[], at: number): Item {
  const item = items[at];
  if (item === undefined) throw new Error('a message is missing');
  return item;
}

async function perSecond(count: number, work: (at: number) => Promise<unknown>): Promise<number> {
  const began = performance.now();
  for (let at = 0; at < count; at++) await work(at);
  return (count / (performance.now() - began)) * 1_000;
}

type Rounds = readonly { readonly subject: Speeds; readonly baseline: Speeds }[];

function of(name: keyof Speeds, rounds: Rounds): Comparison {
  const ratios = rounds.map(({ subject, baseline }) => subject[name] / baseline[name]);
  return {
    value: rounded(median(rounds.map(({ subject }) => subject[name]))),
    baseline: rounded(median(rounds.map(({ baseline }) => baseline[name]))),
    ratio: rounded(median(ratios)),
    ratioLowest: rounded(Math.min(...ratios)),
    ratioHighest: rounded(Math.max(...ratios)),
    rounds: rounds.length,
  };
}

function lineOf({ encrypt, decrypt, setUp, groupEncrypt, groupDecrypt }: Speeds): string {
  return [encrypt, decrypt, setUp, groupEncrypt, groupDecrypt].map((speed) => speed.toFixed(0)).join('/');
}

function sizes() {
  const bytes = readFileSync(artefact);
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes).length };
}

/** From the bytes to an instance, as a page has it at the first use. */
function instantiateMs(): number {
  const bytes = readFileSync(artefact);
  const laps = Array.from({ length: 5 }, () => {
    const began = performance.now();
    const host = { fill_random: () => undefined };
    new WebAssembly.Instance(new WebAssembly.Module(bytes), { host });
    return performance.now() - began;
  });
  return rounded(median(laps));
}
