import type { ServerFrame } from '@sotto/proto';
import { relayVersion } from '@sotto/relay-server';
import { type LoadAccount, makeAccounts } from '../load-account.ts';
import { LoadStream, sourceAddress } from '../load-stream.ts';
import { storeMail } from '../offline-mail.ts';
import { RelayProcess } from '../relay-process.ts';
import { CountedArrivals } from './counted-arrivals.ts';
import type { Messenger, MessengerConnection, MessengerKind } from './messenger.ts';

/** Ours: the `sotto-relay` command with its embedded stores. */
export const sotto: MessengerKind = {
  name: 'Sotto relay',
  package: undefined,
  find: () => relayVersion,
  async start(folder, users, ciphertextBytes): Promise<Messenger> {
    const accounts = await makeAccounts(folder, users);
    const relay = await RelayProcess.start(folder, { limits: 'lifted' });
    return {
      name: sotto.name,
      version: relayVersion,
      pid: relay.pid,
      guarantees: {
        durability: 'every message fsynced before its sender hears of it, online or not',
        encryption: 'end to end (libsignal); the relay sees ciphertext',
        ordering: "each sender's order; a refusal stops what is behind it",
        acks: 'sender: on disk; recipient: acks by id after its own commit, then the relay deletes',
        repeats: 'dropped by the send id, for 8 days',
      },
      connect: (user) => connect(relay.url, accounts, user, ciphertextBytes),
      [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
    };
  },
};

async function connect(
  url: string,
  accounts: readonly LoadAccount[],
  user: number,
  ciphertextBytes: number,
): Promise<MessengerConnection> {
  const account = accountOf(accounts, user);
  const stream = await LoadStream.open(url, account, sourceAddress(user));
  const arrivals = new CountedArrivals();
  const ended = () => arrivals.fail(new Error('the relay closed a connection'));
  const take = (frames: readonly ServerFrame[]) => {
    const deliveryIds = frames.flatMap(({ deliver }) => (deliver?.deliveryId ? [deliver.deliveryId] : []));
    if (deliveryIds.length === 0) return;
    stream.send([{ ack: { deliveryIds } }]);
    arrivals.add(deliveryIds.length);
  };
  stream.onFrames = take;
  stream.onEnd = ended;
  return {
    async send(to, count, window) {
      await storeMail(
        [stream],
        to.map((other) => accountOf(accounts, other)),
        count,
        { ciphertextBytes, window },
      );
      stream.onFrames = take;
      stream.onEnd = ended;
    },
    receive: (count) => arrivals.until(count),
    close: () => {
      stream.onEnd = () => undefined;
      stream.close();
    },
  };
}

function accountOf(accounts: readonly LoadAccount[], user: number): LoadAccount {
  const account = accounts[user];
  if (account === undefined) throw new RangeError(`there is no user ${user}`);
  return account;
}
