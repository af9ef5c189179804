import { Chat, type ChatParts } from '../src/chats/chat.ts';
import { chatWith } from '../src/chats/chat-state.ts';
import { Identities } from '../src/chats/identities.ts';
import { Requests } from '../src/chats/requests.ts';
import { acceptDeviceList } from '../src/devices/accept-device-list.ts';
import { KeylessDevices } from '../src/devices/keyless-devices.ts';
import { Outbox } from '../src/outbox/outbox.ts';
import { OutboxCommits } from '../src/outbox/outbox-commits.ts';
import type { PairwiseSealerParts } from '../src/outbox/pairwise-sealer.ts';
import type { ChatQueueParts } from '../src/outbox/queue-parts.ts';
import { ReceiptQueue } from '../src/outbox/receipt-queue.ts';
import { Sealer } from '../src/outbox/sealer.ts';
import type { Report } from '../src/people/report.ts';
import type { ChatId, GroupId, UserId } from '../src/ports/ids.ts';
import { ManualTimers } from './manual-timers.ts';
import type { ModelRelay } from './model-relay.ts';
import { logger, randomness, sha256, type TestDevice } from './test-device.ts';
import { settled } from './turn-of-events.ts';

/** A device with its outbox, wired to a model of the relay. */
export interface SendingDevice {
  readonly device: TestDevice;
  readonly relay: ModelRelay;
  readonly outbox: Outbox;
  readonly receipts: ReceiptQueue;
  readonly timers: ManualTimers;
  readonly parts: ChatParts;
  readonly failures: unknown[];
  /** What the app was handed. */
  readonly reports: Report[];
  /** How often sessions were asked for. */
  readonly sessionCalls: UserId[];
  chat(userId: UserId): Chat;
  /** Opens a connection. */
  connect(): Promise<void>;
  disconnect(): void;
  /** Hands over the results that wait, at most `count`; gives how many there were. */
  deliverResults(count?: number): Promise<number>;
  /** Goes on until nothing happens any more: delivers results, runs timers. */
  run(): Promise<void>;
}

/** What leaves beside the stream, with its sender sealed. */
export interface BesideStream
  extends Pick<ChatQueueParts, 'makeCertificate' | 'onKeyRefused' | 'onManyRefused' | 'post'> {
  readonly ways: PairwiseSealerParts['ways'];
}

/** Every sender is named. */
const namedAlways: BesideStream = {
  ways: {
    to: async () => ({ way: 'named' }),
    toGroup: async () => ({ way: 'named' }),
    isRefused: () => false,
  },
  makeCertificate: async () => undefined,
  onKeyRefused: () => undefined,
  onManyRefused: () => undefined,
  post: () => {
    throw new Error('something left beside the stream');
  },
};

/** Puts an outbox onto a device. */
export function sendingDevice(
  device: TestDevice,
  relay: ModelRelay,
  makeSessions: (userId: UserId) => Promise<void>,
  refreshGroup?: (groupId: GroupId) => Promise<void>,
  beside: BesideStream = namedAlways,
): SendingDevice {
  const { executor, store, clock, steps } = device;
  const timers = new ManualTimers();
  const failures: unknown[] = [];
  const reports: Report[] = [];
  const sessionCalls: UserId[] = [];
  const receipts = new ReceiptQueue(device.origin);
  const tracer = { reached: (step: (typeof steps)[number]) => void steps.push(step) };
  const toOthers = {
    refreshGroup: refreshGroup ?? (async () => undefined),
    onQueued: (chatIds: readonly ChatId[]) => {
      for (const chatId of chatIds) outbox.wake(chatId);
    },
  };
  const outbox: Outbox = new Outbox({
    ...toOthers,
    store,
    sealer: new Sealer({
      ...toOthers,
      store,
      executor,
      origin: device.origin,
      keyless: new KeylessDevices(),
      account: () => device.account,
      clock,
      randomness,
      identityPolicy: 'block-verified',
      returnsReceipts: () => device.origin().returnsReceipts,
      ways: beside.ways,
    }),
    commits: new OutboxCommits({
      executor,
      store,
      clock,
      origin: device.origin,
      acceptDeviceList: async (overlay, userId, signed) => {
        await acceptDeviceList(overlay, signed, userId, sha256);
      },
    }),
    makeSessions: (userId) => {
      sessionCalls.push(userId);
      return makeSessions(userId);
    },
    learnDevices: makeSessions,
    transmit: relay.transmit,
    makeCertificate: beside.makeCertificate,
    onKeyRefused: beside.onKeyRefused,
    onManyRefused: beside.onManyRefused,
    post: beside.post,
    clock,
    timers,
    randomness,
    tracer,
    logger,
    onFailure: (error) => failures.push(error),
    onSlow: () => undefined,
    onOverdue: () => failures.push(new Error('a result is overdue')),
  });
  const parts: ChatParts = {
    identities: new Identities({
      store,
      executor,
      origin: device.origin,
      clock,
      policy: 'block-verified',
      learnDevices: makeSessions,
      onAccepted: (chatId) => outbox.retry(chatId),
    }),
    store,
    executor,
    outbox,
    receipts,
    signals: { setTyping: () => undefined },
    requests: new Requests({ executor, store, clock, origin: device.origin }),
    onReport: (made) => void reports.push(made),
    origin: device.origin,
    clock,
    tracer,
    assertRunning: () => undefined,
  };
  const deliverResults = async (count = Number.POSITIVE_INFINITY): Promise<number> => {
    const results = relay.stream?.results.splice(0, count) ?? [];
    if (results.length > 0) await outbox.settle(results);
    return results.length;
  };
  return {
    device,
    relay,
    outbox,
    receipts,
    timers,
    parts,
    failures,
    reports,
    sessionCalls,
    chat: (userId) => new Chat(chatWith(userId), userId, parts),
    async connect() {
      relay.connect();
      await outbox.connected();
    },
    disconnect() {
      relay.disconnect();
      outbox.disconnected();
    },
    deliverResults,
    async run() {
      for (let quiet = 0; quiet < 3; ) {
        await settled();
        const delivered = await deliverResults();
        const due = timers.delays.length;
        timers.runAll();
        quiet = delivered + due === 0 ? quiet + 1 : 0;
      }
    },
  };
}

/** For those who have no groups. */
export function noGroups(): never {
  throw new Error('there are no groups here');
}
