import { SignalMessage, signalDecrypt } from '@signalapp/libsignal-client';
import { alternate, type Comparison } from './alternation.ts';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { Conversation, type RawTwin } from './conversation.ts';
import { machineFacts } from './machine.ts';
import { sampleText } from './sample-text.ts';
import { type Lap, Stopwatch, speeds } from './stopwatch.ts';
import { TempFolder } from './temp-folder.ts';
import { collectYoungGarbage } from './young-garbage.ts';

const target = 0.5;
const steadyPeers = 8;
const defaultMessages = 800;
/** In the steady run everybody gets an answer after so many messages. */
const messagesPerAnswer = 50;

/** Messages received by the client, against decrypting alone. */
export const sdkReceiveBench: Bench = {
  name: 'sdk-receive',
  summary: 'messages/s of the client (Deliver, decrypt, apply, commit to SQLite, Ack) over raw libsignal decrypts/s',
  async run(options: BenchOptions, say: (line: string) => void): Promise<BenchResult> {
    const machine = machineFacts();
    const perBurst = Math.max(1, Math.min(messagesPerAnswer, Math.floor((options.messages ?? Infinity) / steadyPeers)));
    const bursts = Math.max(1, Math.round((options.messages ?? defaultMessages) / (steadyPeers * perBurst)));
    const steady = await measure({ peers: steadyPeers, perBurst, bursts }, options, 0.6, say);
    const oneWay = await measure(
      { peers: 1, perBurst: options.messages ?? defaultMessages, bursts: 1 },
      options,
      0.4,
      say,
    );
    return {
      name: 'sdk-receive',
      value: steady.value,
      unit: 'messages/s',
      baseline: steady.baseline,
      ratio: steady.ratio,
      target,
      rounds: steady.rounds,
      ratioLowest: steady.ratioLowest,
      ratioHighest: steady.ratioHighest,
      cpuRatio: steady.cpuRatio,
      senders: steadyPeers,
      messagesPerRound: steady.messages,
      messagesPerAnswer: perBurst,
      textBytes: sampleText(0).length,
      ciphertextBytes: steady.ciphertextBytes,
      oneWay,
      fsyncMs: steady.fsyncMs,
      sessionState: `steady: ${steadyPeers} senders, each gets a receipt after ${perBurst} messages, which turns its ratchet; oneWay: one sender, no answer within a round`,
      receipts: 'on: what the client answers is queued within the time measured',
      store: 'better-sqlite3 file, WAL, synchronous=FULL',
      machine,
    };
  },
};

interface Shape {
  readonly peers: number;
  /** Messages of each sender before it gets an answer. */
  readonly perBurst: number;
  /** Bursts a round. */
  readonly bursts: number;
}

interface ReceiveComparison extends Comparison {
  readonly messages: number;
  readonly ciphertextBytes: number;
  readonly fsyncMs: number;
}

async function measure(
  { peers, perBurst, bursts }: Shape,
  options: BenchOptions,
  share: number,
  say: (line: string) => void,
): Promise<ReceiveComparison> {
  using folder = new TempFolder();
  await using conversation = await Conversation.begin(folder.path, peers, sampleText(0));
  const messages = peers * perBurst * bursts;
  let ciphertextBytes = 0;
  say(`sdk-receive: ${peers} sender(s), ${perBurst} messages of each before an answer, ${messages} messages a round`);
  const limit = { rounds: options.rounds, seconds: (options.seconds ?? 24) * share };
  const comparison = await alternate(limit, async (number) => {
    const decrypting: Lap[] = [];
    const receiving: Lap[] = [];
    for (let burst = 0; burst < bursts; burst++) {
      // The receipts for what came before: opening one turns the sender's ratchet.
      await conversation.openLast();
      const letters = await writeAll(conversation, perBurst);
      ciphertextBytes = letters[0]?.ciphertext.length ?? 0;
      const twin = await conversation.rawTwin();
      decrypting.push(await decryptAll(twin, letters));
      receiving.push(await conversation.deliver(letters.map(({ envelope }) => envelope)));
      decrypting.push(await decryptAll(twin, letters));
      await conversation.quiet();
    }
    const [received, decrypted] = [speeds(messages, receiving), speeds(messages * 2, decrypting)];
    say(`  round ${number}: ${received.wall.toFixed(0)} messages/s, ${decrypted.wall.toFixed(0)} decrypts/s`);
    return {
      subject: received.wall,
      baseline: decrypted.wall,
      cpu: { subject: received.cpu, baseline: decrypted.cpu },
    };
  });
  await conversation.checkNothingHeld();
  return { ...comparison, messages, ciphertextBytes, fsyncMs: folder.fsyncMs() };
}

interface Letter {
  /** Which sender. */
  readonly from: number;
  readonly envelope: Uint8Array;
  readonly ciphertext: Uint8Array<ArrayBuffer>;
}

/** The senders take turns. */
async function writeAll(conversation: Conversation, each: number): Promise<readonly Letter[]> {
  const letters: Letter[] = [];
  for (let number = 0; number < each; number++) {
    for (const [from, peer] of conversation.peers.entries()) {
      letters.push({ from, ...(await peer.write(conversation.userId, sampleText(number))) });
    }
  }
  return letters;
}

async function decryptAll(twin: RawTwin, letters: readonly Letter[]): Promise<Lap> {
  const { self, addresses, identities } = twin;
  const sessions = twin.sessions.copy();
  collectYoungGarbage();
  const watch = new Stopwatch();
  for (const { from, ciphertext } of letters) {
    const address = addresses[from];
    if (address === undefined) throw new Error('a letter from nobody');
    await signalDecrypt(SignalMessage.deserialize(ciphertext), address, self, sessions, identities);
  }
  collectYoungGarbage();
  return watch.lap();
}
