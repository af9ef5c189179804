import { signalEncrypt } from '@signalapp/libsignal-client';
import { alternate, type Comparison } from './alternation.ts';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { Conversation } from './conversation.ts';
import { machineFacts } from './machine.ts';
import { median, rounded } from './quantile.ts';
import { sampleText } from './sample-text.ts';
import { type Lap, Stopwatch, speeds } from './stopwatch.ts';
import { TempFolder } from './temp-folder.ts';
import { collectYoungGarbage } from './young-garbage.ts';

const target = 0.5;
const defaultMessages = 1_024;
const severalChats = 8;

/** Sends through the client, against encrypting alone. */
export const sdkSendBench: Bench = {
  name: 'sdk-send',
  summary: 'sends/s of the client (queue, seal, commit to SQLite, hand to the transport) over raw libsignal encrypts/s',
  async run(options: BenchOptions, say: (line: string) => void): Promise<BenchResult> {
    const machine = machineFacts();
    const several = await measure(severalChats, options, 0.6, say);
    const one = await measure(1, options, 0.4, say);
    return {
      name: 'sdk-send',
      value: several.value,
      unit: 'sends/s',
      baseline: several.baseline,
      ratio: several.ratio,
      target,
      rounds: several.rounds,
      ratioLowest: several.ratioLowest,
      ratioHighest: several.ratioHighest,
      cpuRatio: several.cpuRatio,
      chats: severalChats,
      messagesPerRound: several.messages,
      textBytes: sampleText(0).length,
      plaintextBytes: several.plaintextBytes,
      drainedPerSecond: several.drained,
      oneChat: one,
      fsyncMs: several.fsyncMs,
      sessionState:
        'acknowledged; one-way run within a round, the peers open the last message and answer between rounds',
      store: 'better-sqlite3 file, WAL, synchronous=FULL',
      machine,
    };
  },
};

interface SendComparison extends Comparison {
  readonly messages: number;
  readonly plaintextBytes: number;
  /** Messages a second until their results were committed too. */
  readonly drained: number;
  readonly fsyncMs: number;
}

async function measure(
  chats: number,
  options: BenchOptions,
  share: number,
  say: (line: string) => void,
): Promise<SendComparison> {
  const messages = Math.max(chats, options.messages ?? defaultMessages);
  using folder = new TempFolder();
  await using conversation = await Conversation.begin(folder.path, chats, sampleText(0));
  const { plaintextBytes } = conversation;
  const drained: number[] = [];
  say(`sdk-send: ${chats} chat(s), ${messages} concurrent sends a round, plaintexts of ${plaintextBytes} bytes`);
  const limit = { rounds: options.rounds, seconds: (options.seconds ?? 24) * share };
  const comparison = await alternate(limit, async (number) => {
    const before = await encryptAll(conversation, messages, plaintextBytes);
    const laps = await sendAll(conversation, messages);
    const after = await encryptAll(conversation, messages, plaintextBytes);
    const encrypted = speeds(messages * 2, [before, after]);
    const handed = speeds(messages, [laps.handed]);
    drained.push(speeds(messages, [laps.drained]).wall);
    if ((await conversation.openLast()) !== chats) throw new Error('somebody got nothing');
    await conversation.answer(sampleText(number));
    await conversation.openLast();
    say(`  round ${number}: ${handed.wall.toFixed(0)} sends/s, ${encrypted.wall.toFixed(0)} encrypts/s`);
    return {
      subject: handed.wall,
      baseline: encrypted.wall,
      cpu: { subject: handed.cpu, baseline: encrypted.cpu },
    };
  });
  await conversation.checkNothingHeld();
  return { ...comparison, messages, plaintextBytes, drained: rounded(median(drained)), fsyncMs: folder.fsyncMs() };
}

async function encryptAll(conversation: Conversation, messages: number, bytes: number): Promise<Lap> {
  const { self, addresses, sessions, identities } = await conversation.rawTwin();
  const plaintext = new Uint8Array(bytes).fill(7);
  collectYoungGarbage();
  const watch = new Stopwatch();
  for (let number = 0; number < messages; number++) {
    const address = addresses[number % addresses.length];
    if (address === undefined) throw new Error('there is nobody to encrypt for');
    const message = await signalEncrypt(plaintext, address, self, sessions, identities);
    message.serialize();
  }
  collectYoungGarbage();
  return watch.lap();
}

async function sendAll(
  conversation: Conversation,
  messages: number,
): Promise<{ readonly handed: Lap; readonly drained: Lap }> {
  const { relay, chats } = conversation;
  const allHanded = relay.untilSent(relay.sent + messages);
  collectYoungGarbage();
  const watch = new Stopwatch();
  const queued = Array.from({ length: messages }, (_, number) =>
    chats[number % chats.length]?.send(sampleText(number)),
  );
  await allHanded;
  collectYoungGarbage();
  const handed = watch.lap();
  await Promise.all(queued);
  await conversation.quiet();
  return { handed, drained: watch.lap() };
}
