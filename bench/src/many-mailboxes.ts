import { CostMeter } from './cost-meter.ts';
import type { DevicePair } from './device-pair.ts';
import { inTurns } from './in-turns.ts';
import type { LoadAccount } from './load-account.ts';
import { LoadStream, sourceAddress } from './load-stream.ts';
import { type Drained, drainMail, storeMail } from './offline-mail.ts';
import { median, rounded } from './quantile.ts';
import { reconnectDelayMs } from './reconnect-delay.ts';
import type { RelayProcess } from './relay-process.ts';
import { cutAndReturn, mailEach, openUnacked, relayOf, type Storm } from './storm-round.ts';

const senderCount = 8;
const spilledMailboxes = 64;
const drainsAtOnce = 8;
const openedAtOnce = 64;
/** A tenth of the mailboxes, then all. */
const shares = [0.1, 1];
const costRounds = 3;
const shape = { ciphertextBytes: 512, window: 256 };

/** Mail for devices that are away, and their coming back. */
export interface SpilledMail extends Drained {
  readonly storesPerSecond: number;
  readonly drainsPerSecond: number;
  /** Of all nodes together, microseconds of CPU time a message. */
  readonly storeCpuUs: number;
  readonly drainCpuUs: number;
}

/** Sends to some who are away, who then come back, each to one of the nodes. The first accounts send. */
export async function drainSpilled(
  nodes: readonly RelayProcess[],
  accounts: readonly LoadAccount[],
  messages: number,
): Promise<SpilledMail> {
  const some = accounts.slice(senderCount, senderCount + spilledMailboxes);
  const store = meterOf(nodes);
  const stored = await timed(() => store.during(messages, () => sendTo(nodes, accounts, some, messages)));
  const drain = meterOf(nodes);
  const drained = await timed(() =>
    drain.during(messages, () =>
      Promise.all(
        nodes.map(({ url }, node) =>
          drainMail(
            url,
            some.filter((_, at) => at % nodes.length === node),
            Math.ceil(drainsAtOnce / nodes.length),
          ),
        ),
      ),
    ),
  );
  const found = sumOf(drained.result);
  if (found.messages !== messages) throw new Error(`${messages} were stored, ${found.messages} came`);
  return {
    ...found,
    storesPerSecond: rounded(messages / stored.seconds),
    drainsPerSecond: rounded(messages / drained.seconds),
    storeCpuUs: cpuOf(store),
    drainCpuUs: cpuOf(drain),
  };
}

/** What a message to a device that is online costs while so many mailboxes have mail. */
export interface MailboxCost {
  readonly mailboxes: number;
  /** Microseconds of CPU time of all nodes together: the median of some rounds. */
  readonly cpuUs: number;
}

/** Puts mail into more and more mailboxes, and measures what messages cost meanwhile that have nothing to do with them. */
export async function mailboxCosts(
  nodes: readonly RelayProcess[],
  accounts: readonly LoadAccount[],
  pairs: readonly DevicePair[],
  messages: number,
): Promise<readonly MailboxCost[]> {
  const all = accounts.slice(senderCount);
  const perPair = Math.max(1, Math.round(messages / pairs.length));
  const costs: MailboxCost[] = [];
  let filled = 0;
  for (const share of shares) {
    const upTo = Math.max(1, Math.round(all.length * share));
    const next = all.slice(filled, upTo);
    if (next.length > 0) await sendTo(nodes, accounts, next, next.length);
    filled = upTo;
    const rounds: number[] = [];
    for (let round = 0; round < costRounds; round++) {
      const meter = meterOf(nodes);
      await meter.during(perPair * pairs.length, () =>
        Promise.all(pairs.map((pair) => pair.run(perPair, shape.window))),
      );
      rounds.push(cpuOf(meter));
    }
    costs.push({ mailboxes: upTo, cpuUs: rounded(median(rounds)) });
  }
  return costs;
}

/** Devices that are with the nodes in turns, and have mail that they did not ack, lose their connections at once; each comes back to the next node. */
export async function stormOver(nodes: readonly RelayProcess[], accounts: readonly LoadAccount[]): Promise<Storm> {
  const devices = accounts.slice(senderCount);
  // Some have mail already: it goes first.
  await Promise.all(
    nodes.map(({ url }, node) =>
      drainMail(
        url,
        devices.filter((_, at) => at % nodes.length === node),
        openedAtOnce,
      ),
    ),
  );
  await sendTo(nodes, accounts, devices, devices.length * mailEach);
  const streams = await inTurns(devices, openedAtOnce, (device, at) => openUnacked(relayOf(nodes, at).url, device, at));
  return cutAndReturn(nodes, devices, streams, (failures) => reconnectDelayMs(failures, Math.random()));
}

async function sendTo(
  nodes: readonly RelayProcess[],
  accounts: readonly LoadAccount[],
  recipients: readonly LoadAccount[],
  messages: number,
): Promise<void> {
  const senders = await Promise.all(
    accounts
      .slice(0, senderCount)
      .map((account, at) => LoadStream.open(relayOf(nodes, at).url, account, sourceAddress(at))),
  );
  await storeMail(senders, recipients, messages, shape);
  for (const sender of senders) {
    sender.onEnd = () => undefined;
    sender.close();
  }
}

function meterOf(nodes: readonly RelayProcess[]): CostMeter {
  return new CostMeter(Object.fromEntries(nodes.map(({ pid }, at) => [`node ${at + 1}`, pid])));
}

function cpuOf(meter: CostMeter): number {
  return rounded(Object.values(meter.perItem()).reduce((sum, each) => sum + each, 0));
}

function sumOf(drained: readonly Drained[]): Drained {
  return {
    messages: drained.reduce((sum, { messages }) => sum + messages, 0),
    repeated: drained.reduce((sum, { repeated }) => sum + repeated, 0),
  };
}

async function timed<Result>(
  work: () => Promise<Result>,
): Promise<{ readonly seconds: number; readonly result: Result }> {
  const began = performance.now();
  const result = await work();
  return { seconds: (performance.now() - began) / 1_000, result };
}
