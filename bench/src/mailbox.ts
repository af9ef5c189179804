import { alternate } from './alternation.ts';
import { BareSqlite } from './bare-sqlite.ts';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { CostMeter } from './cost-meter.ts';
import { makeAccounts } from './load-account.ts';
import { LoadStream, sourceAddress } from './load-stream.ts';
import { machineFacts } from './machine.ts';
import { drainMail, storeMail } from './offline-mail.ts';
import { median, rounded } from './quantile.ts';
import { RelayProcess } from './relay-process.ts';
import { TempFolder } from './temp-folder.ts';

const target = 0.1;
const senderCount = 8;
const recipientCount = 64;
const drainsAtOnce = 8;
const shape = { ciphertextBytes: 512, window: 256 };
const defaultMessages = 16_384;

/** Mail for people who are not there, and their coming back. */
export const mailboxBench: Bench = {
  name: 'mailbox',
  summary: 'fsynced stores/s for recipients who are offline, then messages/s drained, over bare SQLite',
  async run(options: BenchOptions, say: (line: string) => void): Promise<BenchResult> {
    const machine = machineFacts();
    using folder = new TempFolder();
    using bareFolder = new TempFolder();
    const accounts = await makeAccounts(folder.path, senderCount + recipientCount);
    const recipients = accounts.slice(senderCount);
    await using relay = await RelayProcess.start(folder.path, { limits: 'lifted' });
    const senders = await Promise.all(
      accounts.slice(0, senderCount).map((account, at) => LoadStream.open(relay.url, account, sourceAddress(at))),
    );
    using bare = new BareSqlite(bareFolder.path, shape.ciphertextBytes);
    const messages = options.messages ?? defaultMessages;
    say(`mailbox: ${senderCount} senders, ${recipientCount} recipients, ${messages} messages a round`);
    const drains: { readonly subject: number; readonly baseline: number }[] = [];
    const storing = new CostMeter({ relay: relay.pid, load: process.pid });
    const draining = new CostMeter({ relay: relay.pid, load: process.pid });
    const stores = await alternate({ rounds: options.rounds, seconds: options.seconds ?? 20 }, async (number) => {
      const bareStores = bare.store(messages);
      const bareDrains = bare.drain(messages);
      const began = performance.now();
      await storing.during(messages, () => storeMail(senders, recipients, messages, shape));
      const stored = performance.now();
      const found = await draining.during(messages, () => drainMail(relay.url, recipients, drainsAtOnce));
      const drained = performance.now();
      if (found.messages !== messages || found.repeated > 0) {
        throw new Error(`${messages} were stored, ${found.messages} came, ${found.repeated} of them again`);
      }
      await relay.untilCounted('relay_mailbox_acked_total', (number + 1) * messages);
      const subject = (messages / (stored - began)) * 1_000;
      const drain = (messages / (drained - stored)) * 1_000;
      drains.push({ subject: drain, baseline: bareDrains });
      say(`  round ${number}: ${subject.toFixed(0)} stores/s, ${drain.toFixed(0)} drained/s`);
      return { subject, baseline: bareStores };
    });
    for (const sender of senders) {
      sender.onEnd = () => undefined;
      sender.close();
    }
    const counted = drains.length > 1 ? drains.slice(1) : drains;
    return {
      name: 'mailbox',
      unit: 'stores/s',
      target,
      ...stores,
      drain: rounded(median(counted.map(({ subject }) => subject))),
      drainBaseline: rounded(median(counted.map(({ baseline }) => baseline))),
      drainRatio: rounded(median(counted.map(({ subject, baseline }) => subject / baseline))),
      storeCpuUs: storing.perItem(),
      drainCpuUs: draining.perItem(),
      messagesPerRound: messages,
      senders: senderCount,
      recipients: recipientCount,
      ...shape,
      fsyncMs: folder.fsyncMs(),
      counted:
        'a store counts when its result came; a drained message when it came, once, and the relay has deleted it',
      baselineIs: 'rows of the same size in one table of better-sqlite3, fsynced 256 at once; read 64 at once, deleted',
      machine,
    };
  },
};
