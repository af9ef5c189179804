import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { inTurns } from './in-turns.ts';
import { makeAccounts } from './load-account.ts';
import { LoadStream, sourceAddress } from './load-stream.ts';
import { machineFacts } from './machine.ts';
import { storeMail } from './offline-mail.ts';
import { rounded } from './quantile.ts';
import { reconnectDelayMs } from './reconnect-delay.ts';
import { RelayProcess } from './relay-process.ts';
import { cutAndReturn, mailEach, openUnacked, type Storm } from './storm-round.ts';
import { TempFolder } from './temp-folder.ts';

const target = 1.1;
const defaultSockets = 10_000;
const openedAtOnce = 64;
const senderCount = 8;
const shape = { ciphertextBytes: 512, window: 256 };

/** Everybody loses the connection at once and comes back. */
export const stormBench: Bench = {
  name: 'storm',
  summary: 'seconds until 10,000 devices that were cut at once are back and drained, jittered over all at once',
  async run(options: BenchOptions, say: (line: string) => void): Promise<BenchResult> {
    const machine = machineFacts();
    const sockets = options.messages ?? defaultSockets;
    using folder = new TempFolder();
    const accounts = await makeAccounts(folder.path, senderCount + sockets);
    const devices = accounts.slice(senderCount);
    await using relay = await RelayProcess.start(folder.path, { limits: 'lifted' });
    const senders = await Promise.all(
      accounts.slice(0, senderCount).map((account, at) => LoadStream.open(relay.url, account, sourceAddress(at))),
    );
    say(`storm: ${sockets} devices, ${mailEach} messages stored for each`);
    let acked = 0;
    const round = async (delayMs: (failures: number) => number): Promise<Storm> => {
      await storeMail(senders, devices, sockets * mailEach, shape);
      const streams = await inTurns(devices, openedAtOnce, (device, at) => openUnacked(relay.url, device, at));
      const storm = await cutAndReturn([relay], devices, streams, delayMs);
      acked += sockets * mailEach;
      await relay.untilCounted('relay_mailbox_acked_total', acked);
      return storm;
    };
    const atOnce = await round((failures) => (failures === 0 ? 0 : reconnectDelayMs(failures, Math.random())));
    say(`  all at once: ${atOnce.seconds} s, ${atOnce.failures} failures`);
    const jittered = await round((failures) => reconnectDelayMs(failures, Math.random()));
    say(`  jittered: ${jittered.seconds} s, ${jittered.failures} failures`);
    for (const sender of senders) {
      sender.onEnd = () => undefined;
      sender.close();
    }
    return {
      name: 'storm',
      value: jittered.seconds,
      unit: 's',
      baseline: atOnce.seconds,
      ratio: rounded(jittered.seconds / atOnce.seconds),
      target,
      better: 'lower',
      rounds: 1,
      sockets,
      mailEach,
      jittered,
      atOnce,
      counted:
        'from the cut until each device has had QueueEmpty and has acked its mail, which the relay has then deleted, each message once; a device that fails waits longer each time',
      baselineIs: 'the same without a wait before the first try',
      machine,
    };
  },
};
