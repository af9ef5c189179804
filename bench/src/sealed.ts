import { randomBytes } from 'node:crypto';
import {
  CiphertextKind,
  GroupRecord,
  RecipientStatus,
  type SealedMultiSendFields,
  SealedMultiSends,
  SealedResults,
  type SealedSendFields,
  SealedSends,
  type SendFields,
  type SendResultFields,
  toBase64Url,
  uuidToBytes,
} from '@sotto/proto';
import { alternate, type Comparison } from './alternation.ts';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import type { DeviceKeys } from './device-keys.ts';
import { machineFacts } from './machine.ts';
import { median, rounded } from './quantile.ts';
import { registerRaw } from './raw-account.ts';
import { RawDevice } from './raw-device.ts';
import { RelayProcess } from './relay-process.ts';
import { SealedSender } from './sealed-sender.ts';
import { TempFolder } from './temp-folder.ts';

/** Sealing costs 1.6 times what encrypting does: what is sealed can't be as fast. */
const target = 0.3;
const members = 30;
const plaintextBytes = 320;
const window = 256;
/** As clients do it. */
const sendsPerRequest = 64;
const defaultMessages = 2_048;

/** Sealed sends against named ones, from the plaintext to the result of the relay. */
export const sealedBench: Bench = {
  name: 'sealed',
  summary: 'sealed sends/s (encrypt, seal, request, durable, result) over named ones; version 1, and version 2 to 30',
  async run(options: BenchOptions, say: (line: string) => void): Promise<BenchResult> {
    const machine = machineFacts();
    using folder = new TempFolder();
    await using relay = await RelayProcess.start(folder.path, { limits: 'lifted' });
    const bench = await SealedRun.open(relay);
    const seconds = options.seconds ?? 24;
    const messages = Math.max(1, options.messages ?? defaultMessages);
    const groups = Math.max(1, Math.round(messages / members));
    const raw: Record<'v1' | 'v2', number[]> = { v1: [], v2: [] };
    say(`sealed: ${messages} messages of ${plaintextBytes} bytes a round, ${groups} of them to ${members} people`);
    const compareV1 = () =>
      alternate({ rounds: options.rounds, seconds: seconds * 0.6 }, async (number) => {
        const baseline = await bench.named(messages);
        const subject = await bench.sealed(messages);
        raw.v1.push(await bench.rawV1(messages));
        say(`  round ${number}: ${subject.toFixed(0)} sealed/s, ${baseline.toFixed(0)} named/s`);
        return { subject, baseline };
      });
    const compareV2 = () =>
      alternate({ rounds: options.rounds, seconds: seconds * 0.4 }, async (number) => {
        const baseline = await bench.namedGroup(groups);
        const subject = await bench.sealedGroup(groups);
        raw.v2.push(await bench.rawV2(groups));
        say(`  round ${number}: ${subject.toFixed(1)} sealed groups/s, ${baseline.toFixed(1)} named groups/s`);
        return { subject, baseline };
      });
    const v1 = await compareV1();
    const v2 = await compareV2();
    const fsyncMs = folder.fsyncMs();
    bench.close();
    return {
      name: 'sealed',
      value: v1.value,
      unit: 'sends/s',
      baseline: v1.baseline,
      ratio: v1.ratio,
      target,
      rounds: v1.rounds,
      ratioLowest: v1.ratioLowest,
      ratioHighest: v1.ratioHighest,
      rawPerSecond: rounded(median(raw.v1)),
      ratioToRaw: rounded(v1.value / median(raw.v1)),
      v2: toMany(v2, median(raw.v2)),
      members,
      messagesPerRound: messages,
      plaintextBytes,
      sendsPerRequest,
      fsyncMs,
      counted: 'a message counts when its sender has the result of the relay; libsignal works in the sending process',
      store: 'embedded: SQLite file, WAL, synchronous=FULL, group commit',
      machine,
    };
  },
};

function toMany(v2: Comparison, raw: number) {
  const { value, baseline, ratio, ratioLowest, ratioHighest } = v2;
  const rest = { unit: 'groups/s', rawPerSecond: rounded(raw), ratioToRaw: rounded(value / raw) };
  return { value, baseline, ratio, ratioLowest, ratioHighest, ...rest, deliveriesPerSecond: rounded(value * members) };
}

/** One sender, its stream, and those to whom it writes; they stay away, so that the mail is stored and no more. */
class SealedRun {
  private readonly relay: RelayProcess;
  private readonly sender: SealedSender;
  private readonly stream: RawDevice;
  private readonly people: readonly DeviceKeys[];
  private readonly groupId: Uint8Array;
  private readonly plaintext = new Uint8Array(plaintextBytes).fill(7);

  static async open(relay: RelayProcess): Promise<SealedRun> {
    const account = await registerRaw(relay, '+14155552000');
    const people: DeviceKeys[] = [];
    for (let at = 1; at <= members; at++) people.push((await registerRaw(relay, `+1415555${2_000 + at}`)).keys);
    const sender = await SealedSender.open(relay, account, people);
    const groupId = await makeGroup(relay, account.accessToken, [account.keys, ...people]);
    return new SealedRun({ relay, sender, stream: await RawDevice.open(relay, account), people, groupId });
  }

  private constructor(parts: {
    readonly relay: RelayProcess;
    readonly sender: SealedSender;
    readonly stream: RawDevice;
    readonly people: readonly DeviceKeys[];
    readonly groupId: Uint8Array;
  }) {
    this.relay = parts.relay;
    this.sender = parts.sender;
    this.stream = parts.stream;
    this.people = parts.people;
    this.groupId = parts.groupId;
  }

  close(): void {
    this.stream.close();
  }

  /** Named sends to one person a second, pipelined in a lane. */
  async named(count: number): Promise<number> {
    const to = this.one;
    const { userId, accessKey, registrationId } = to;
    return this.perSecond(count, () =>
      this.overStream(count, async () => {
        const ciphertext = await this.sender.encrypt(to, this.plaintext);
        const kind = CiphertextKind.CIPHERTEXT_KIND_WHISPER;
        const devices = [{ deviceId: 1, registrationId, kind, ciphertext }];
        return { recipients: [{ userId: uuidToBytes(userId), deviceListVersion: 1, accessKey, devices }] };
      }),
    );
  }

  /** Sealed sends to one person a second, a request at a time. */
  async sealed(count: number): Promise<number> {
    const { registrationId, userId, accessKey } = this.one;
    const kind = CiphertextKind.CIPHERTEXT_KIND_SEALED;
    const post = async (sends: SealedSendFields[]) => {
      const body = SealedSends.encode({ userId: uuidToBytes(userId), accessKey, sends });
      await this.post('/v1/sealed', body, sends.length);
    };
    return this.perSecond(count, async () => {
      let underWay = Promise.resolve();
      for (let from = 0; from < count; from += sendsPerRequest) {
        const sends: SealedSendFields[] = [];
        for (let at = from; at < Math.min(count, from + sendsPerRequest); at++) {
          const ciphertext = await this.sender.seal(this.one, this.plaintext, randomBytes(16));
          const devices = [{ deviceId: 1, registrationId, kind, ciphertext }];
          sends.push({ sendId: newId(), suite: 1, attempt: 1, deviceListVersion: 1, devices });
        }
        // What comes next is sealed while this is on its way, and leaves after it.
        await underWay;
        underWay = post(sends);
      }
      await underWay;
    });
  }

  /** What libsignal alone seals a second, version 1. */
  rawV1(count: number): Promise<number> {
    return this.perSecond(count, async () => {
      for (let at = 0; at < count; at++) await this.sender.seal(this.one, this.plaintext, randomBytes(16));
    });
  }

  /** Named sends to the group a second: one ciphertext, kept once. */
  namedGroup(count: number): Promise<number> {
    const kind = CiphertextKind.CIPHERTEXT_KIND_SENDER_KEY;
    const recipients = this.people.map(({ userId, accessKey, registrationId }) => ({
      userId: uuidToBytes(userId),
      deviceListVersion: 1,
      accessKey,
      devices: [{ deviceId: 1, registrationId, kind }],
    }));
    return this.perSecond(count, () =>
      this.overStream(count, async () => ({
        recipients,
        groupId: this.groupId,
        groupEpoch: 1,
        sharedCiphertext: await this.sender.encryptForGroup(this.plaintext),
      })),
    );
  }

  /** Sealed sends to the same people a second: version 2, a request at a time. */
  sealedGroup(count: number): Promise<number> {
    const recipients = this.people.map(({ userId, accessKey }) => ({
      userId: uuidToBytes(userId),
      deviceListVersion: 1,
      accessKey,
    }));
    return this.perSecond(count, async () => {
      let underWay = Promise.resolve();
      for (let at = 0; at < count; at += sendsPerRequest) {
        const sends: SealedMultiSendFields[] = [];
        for (let more = Math.min(sendsPerRequest, count - at); more > 0; more--) {
          const message = await this.sender.sealForGroup(this.people, this.plaintext, randomBytes(16));
          sends.push({ sendId: newId(), suite: 1, attempt: 1, message, recipients });
        }
        const body = SealedMultiSends.encode({ sends });
        await underWay;
        underWay = this.post('/v1/sealed/multi', body, sends.length);
      }
      await underWay;
    });
  }

  /** What libsignal alone seals for the group a second, version 2. */
  rawV2(count: number): Promise<number> {
    return this.perSecond(count, async () => {
      for (let at = 0; at < count; at++) await this.sender.sealForGroup(this.people, this.plaintext, randomBytes(16));
    });
  }

  private get one(): DeviceKeys {
    const [one] = this.people;
    if (one === undefined) throw new Error('there is nobody to write to');
    return one;
  }

  private async perSecond(count: number, work: () => Promise<void>): Promise<number> {
    const began = performance.now();
    await work();
    return (count / (performance.now() - began)) * 1_000;
  }

  /** At most `window` are without a result. */
  private async overStream(count: number, next: () => Promise<SendFields>): Promise<void> {
    const lane = randomBytes(8);
    let [sent, accepted] = [0, 0];
    let wake: () => void = () => undefined;
    this.stream.onFrames = (frames) => {
      for (const { sendResult } of frames) {
        if (!sendResult) continue;
        checkAccepted(sendResult);
        accepted++;
      }
      wake();
    };
    const until = async (done: () => boolean) => {
      while (!done()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    while (sent < count) {
      await until(() => sent - accepted < window);
      const send = { sendId: newId(), messageId: randomBytes(16), attempt: 1, suite: 1, lane, laneNo: sent + 1 };
      this.stream.send([{ send: { ...send, ...(await next()) } }]);
      sent++;
    }
    await until(() => accepted === count);
  }

  private async post(path: string, body: Uint8Array, count: number): Promise<void> {
    const answer = await fetch(this.relay.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(body),
    });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    const { results } = SealedResults.decode(new Uint8Array(await answer.arrayBuffer()));
    if (results.length !== count) throw new Error('a result is missing');
    for (const result of results) checkAccepted(result);
  }
}

function checkAccepted({ refused, recipients }: SendResultFields): void {
  const wrong = (recipients ?? []).find(({ status }) => status !== RecipientStatus.RECIPIENT_STATUS_ACCEPTED);
  if (refused || wrong) throw new Error(`a send was not accepted: ${refused?.code ?? wrong?.status}`);
}

/** As clients make them: results of one time lie together on the relay's disk. */
function newId(): Uint8Array {
  const id = randomBytes(16);
  id.writeUIntBE(Date.now(), 0, 6);
  return id;
}

async function makeGroup(relay: RelayProcess, token: string, people: readonly DeviceKeys[]): Promise<Uint8Array> {
  const groupId = randomBytes(32);
  const [keyCommitment, ciphertext] = [randomBytes(32), randomBytes(400)];
  const record = GroupRecord.encode({ groupId, revision: 1, keyEpoch: 1, keyCommitment, ciphertext });
  const added = people.map(({ userId }) => userId);
  const answer = await fetch(`${relay.url}/v1/groups/${toBase64Url(groupId)}/records`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ record: toBase64Url(record), added, removed: [] }),
  });
  if (!answer.ok) throw new Error(`the group was not made: ${answer.status} ${await answer.text()}`);
  return groupId;
}
