import { signalEncrypt } from '@signalapp/libsignal-client';
import { alternate, type Comparison } from './alternation.ts';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { Conversation } from './conversation.ts';
import { machineFacts } from './machine.ts';
import { median, rounded } from './quantile.ts';
import { sampleText } from './sample-text.ts';
import { TempFolder } from './temp-folder.ts';

const target = 0.5;
const defaultMessages = 2_048;
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
    const baseline = (messages / (await encryptAll(conversation, messages, plaintextBytes))) * 1_000;
    const { handedMs, drainedMs } = await sendAll(conversation, messages);
    const subject = (messages / handedMs) * 1_000;
    drained.push((messages / drainedMs) * 1_000);
    if ((await conversation.openLast()) !== chats) throw new Error('somebody got nothing');
    await conversation.answer(sampleText(number));
    await conversation.openLast();
    say(`  round ${number}: ${subject.toFixed(0)} sends/s, ${baseline.toFixed(0)} encrypts/s`);
    return { subject, baseline };
  });
  await conversation.checkNothingHeld();
  return { ...comparison, messages, plaintextBytes, drained: rounded(median(drained)), fsyncMs: folder.fsyncMs() };
}

async function encryptAll(conversation: Conversation, messages: number, bytes: number): Promise<number> {
  const { self, addresses, sessions, identities } = await conversation.rawTwin();
  const plaintext = new Uint8Array(bytes).fill(7);
  const began = performance.now();
  for (let number = 0; number < messages; number++) {
    const address = addresses[number % addresses.length];
    if (address === undefined) throw new Error('there is nobody to encrypt for');
    const message = await signalEncrypt(plaintext, address, self, sessions, identities);
    message.serialize();
  }
  return performance.now() - began;
}

async function sendAll(
  conversation: Conversation,
  messages: number,
): Promise<{ readonly handedMs: number; readonly drainedMs: number }> {
  const { relay, chats } = conversation;
  const handed = relay.untilSent(relay.sent + messages);
  const began = performance.now();
  const queued = Array.from({ length: messages }, (_, number) =>
    chats[number % chats.length]?.send(sampleText(number)),
  );
  const handedMs = (await handed) - began;
  await Promise.all(queued);
  await conversation.quiet();
  return { handedMs, drainedMs: performance.now() - began };
}
