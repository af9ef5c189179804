import { join } from 'node:path';
import { IdentityKeyPair, ProtocolAddress } from '@signalapp/libsignal-client';
import { type Chat, Client, type GroupChat } from '@sotto/sdk';
import type { DeviceId, Store, StoreOpener, UserId } from '@sotto/sdk/ports';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import { LocalRelay } from './local-relay.ts';
import { Peer } from './peer.ts';
import { RawIdentities, RawSessions } from './raw-stores.ts';
import { type Lap, Stopwatch } from './stopwatch.ts';
import { collectYoungGarbage } from './young-garbage.ts';

const firstDevice = 1 as DeviceId;

/** libsignal's stores in the state that the client's are in. */
export interface RawTwin {
  readonly self: ProtocolAddress;
  /** Of the peers, in their order. */
  readonly addresses: readonly ProtocolAddress[];
  readonly sessions: RawSessions;
  readonly identities: RawIdentities;
}

/** A client on a database file, and people whom it has acknowledged sessions with. */
export class Conversation implements AsyncDisposable {
  readonly relay: LocalRelay;
  readonly peers: readonly Peer[];
  readonly chats: readonly Chat[];
  readonly userId: string;
  /** The padded size of what the client encrypts for a text of the size given. */
  readonly plaintextBytes: number;
  private readonly client: Client;
  private readonly store: Store;
  private readonly identities: RawIdentities;

  /** Registers, and has each person written to and answer once: from then on the sessions are acknowledged. */
  static async begin(folder: string, people: number, text: string): Promise<Conversation> {
    const relay = new LocalRelay();
    const peers = Array.from({ length: people }, (_, at) => new Peer(`+1415555${String(2_000 + at)}`));
    for (const peer of peers) relay.add(peer);
    const opened: Store[] = [];
    const sqlite = betterSqlite3(join(folder, 'client.db'));
    // Only looked into, to begin the baseline in the same state: the client gets the store as it is.
    const store: StoreOpener = {
      async open() {
        const result = await sqlite.open();
        opened.push(result.store);
        return result;
      },
    };
    const client = await Client.open({
      relay: 'http://localhost:8080',
      // Sealed sends have a bench of their own.
      sealedSender: false,
      store,
      platform: { fetch: relay.fetch, sockets: relay.sockets },
    });
    await client.register({ phone: '+14155551999', profile: { username: 'Bench' }, code: () => '123456' });
    const [openStore] = opened;
    const account = await openStore?.get('account', {});
    if (openStore === undefined || account === undefined) throw new Error('the client was not registered');
    const chats = await Promise.all(peers.map(({ number }) => client.chats.with(number)));
    let plaintextBytes = 0;
    for (const [at, peer] of peers.entries()) {
      await chats[at]?.send(text);
      await relay.untilSent(at + 1);
      const [first] = relay.takeMail();
      if (first === undefined) throw new Error('the first message did not leave');
      plaintextBytes = (await peer.open(account.userId, first.sealed)).length;
    }
    const identities = new RawIdentities(
      IdentityKeyPair.deserialize(new Uint8Array(account.identityKeyPair)),
      account.registrationId,
    );
    const parts = { relay, peers, chats, userId: account.userId, plaintextBytes, client, store: openStore, identities };
    const conversation = new Conversation(parts);
    await conversation.answer(text);
    return conversation;
  }

  private constructor(
    parts: Pick<Conversation, 'relay' | 'peers' | 'chats' | 'userId' | 'plaintextBytes'> & {
      readonly client: Client;
      readonly store: Store;
      readonly identities: RawIdentities;
    },
  ) {
    this.relay = parts.relay;
    this.peers = parts.peers;
    this.chats = parts.chats;
    this.userId = parts.userId;
    this.plaintextBytes = parts.plaintextBytes;
    this.client = parts.client;
    this.store = parts.store;
    this.identities = parts.identities;
  }

  /** One message from everybody to the client; resolves when all are acked and what they caused has left. */
  async answer(text: string): Promise<void> {
    const letters = await Promise.all(this.peers.map((peer) => peer.write(this.userId, text)));
    await this.deliver(letters.map(({ envelope }) => envelope));
    await this.quiet();
  }

  /** A group of all peers, which knows their devices and has nothing on its way; without having written to each of them it is the first time. */
  async makeGroup(title: string): Promise<GroupChat> {
    const members = this.peers.map(({ keys }) => keys.userId as UserId);
    const group = await this.client.groups.create({ title, members });
    await this.quiet();
    return group;
  }

  /** Delivers envelopes; gives what it took from the first frame to the last ack. */
  async deliver(envelopes: readonly Uint8Array[]): Promise<Lap> {
    this.relay.prepare(envelopes);
    const acked = this.relay.untilAcked(this.relay.acked + envelopes.length);
    collectYoungGarbage();
    const watch = new Stopwatch();
    this.relay.deliver();
    await acked;
    collectYoungGarbage();
    return watch.lap();
  }

  /** Resolves when the outbox is empty and its results are in. */
  async quiet(): Promise<void> {
    do {
      await this.relay.untilSettled();
      await new Promise((resolve) => setImmediate(resolve));
    } while ((await this.store.outboxChats()).length > 0);
  }

  /** Lets everybody open the last of what the client sent them: their ratchets turn with their next message. */
  async openLast(): Promise<number> {
    const mail = this.relay.takeMail();
    let opened = 0;
    for (const peer of this.peers) {
      const last = mail.findLast(({ recipientId }) => recipientId === peer.keys.userId);
      if (last === undefined) continue;
      await peer.open(this.userId, last.sealed);
      opened++;
    }
    return opened;
  }

  /** libsignal's stores in the state of the client's: what the baseline works on. */
  async rawTwin(): Promise<RawTwin> {
    const sessions = new RawSessions();
    const addresses = this.peers.map(({ keys }) => ProtocolAddress.new(keys.userId, 1));
    for (const address of addresses) {
      const key = { userId: address.name() as UserId, deviceId: firstDevice };
      const session = await this.store.get('session', key);
      const identity = await this.store.get('identity', key);
      if (session === undefined || identity === undefined) throw new Error('a session is missing');
      sessions.set(address, session.record);
    }
    for (const [at, peer] of this.peers.entries()) {
      const address = addresses[at];
      if (address) await this.identities.saveIdentity(address, peer.keys.identity.publicKey);
    }
    return { self: ProtocolAddress.new(this.userId, 1), addresses, sessions, identities: this.identities };
  }

  /** @throws {Error} when an envelope was held: then what was measured is not what it says */
  async checkNothingHeld(): Promise<void> {
    const [held] = await this.store.held(1);
    if (held !== undefined) throw new Error(`the client held an envelope: ${held.reason}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.stop();
  }
}
