import { type EphemeralSignal, uuidToText } from '@sotto/proto';
import { chatWith } from '../chats/chat-state.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { type Bucket, fullBucket, type Rate, refilled } from '../limits/token-bucket.ts';
import { hasBlocked } from '../people/blocked.ts';
import type { Clock } from '../ports/clock.ts';
import type { EphemeralSecretRecord } from '../ports/ephemeral-record.ts';
import type { DeviceAddress, DeviceId, UserId } from '../ports/ids.ts';
import type { Store } from '../ports/store.ts';
import { freshFor, PeerRuns } from './peer-runs.ts';
import { readPayload, type SealedSignal, SignalCipher } from './signal-cipher.ts';

/** Why a signal was dropped: its form, more than anybody needs, from somebody who was not accepted or is blocked, no secret or not made under it, seen before, too old or too new. */
export type SignalDrop = 'malformed' | 'flood' | 'stranger' | 'forged' | 'replayed' | 'stale';

/** As it came from the relay. */
export interface IncomingFrame {
  readonly userId: Uint8Array;
  readonly deviceId: number;
  readonly payload: Uint8Array;
}

/** How much one device of somebody may say, and all together. */
const peerRate: Rate = { burst: 20, perSecond: 2 };
const totalRate: Rate = { burst: 400, perSecond: 100 };
const mostPeers = 1_024;
const mostInHand = 256;
/** No payload of this version is near it. */
const mostPayload = 4_096;

interface Peer {
  bucket: Bucket;
  secret: Uint8Array | undefined;
  runs: PeerRuns;
}

/** Opens the signals of others: bounded in work and memory whatever comes, and each at most once. */
export class SignalReader {
  /** How many were dropped since the start. */
  readonly dropped: Record<SignalDrop, number> = {
    malformed: 0,
    flood: 0,
    stranger: 0,
    forged: 0,
    replayed: 0,
    stale: 0,
  };
  private readonly store: Pick<Store, 'get'>;
  private readonly self: () => DeviceAddress;
  private readonly clock: Clock;
  private readonly startedAt: number;
  private readonly peers = new Map<string, Peer>();
  private total: Bucket;
  private inHand = 0;

  constructor(parts: {
    readonly store: Pick<Store, 'get'>;
    readonly self: () => DeviceAddress;
    readonly clock: Clock;
  }) {
    this.store = parts.store;
    this.self = parts.self;
    this.clock = parts.clock;
    this.startedAt = parts.clock.now();
    this.total = fullBucket(totalRate, this.startedAt);
  }

  /**
   * Opens one; undefined when it was dropped, and counted.
   * @throws {SottoError} what the store throws
   */
  async open(
    frame: IncomingFrame,
  ): Promise<{ readonly sender: DeviceAddress; readonly signal: EphemeralSignal } | undefined> {
    const sealed = frame.payload.length <= mostPayload ? readPayload(frame.payload) : undefined;
    if (sealed === undefined || frame.userId.length !== 16 || frame.deviceId < 1 || frame.deviceId > 127) {
      return this.drop('malformed');
    }
    const sender = { userId: uuidToText(frame.userId) as UserId, deviceId: frame.deviceId as DeviceId };
    const peer = this.admit(sender);
    if (peer === undefined || this.inHand >= mostInHand) return this.drop('flood');
    this.inHand++;
    try {
      const signal = await this.openFrom(sender, peer, sealed);
      return typeof signal === 'string' ? this.drop(signal) : { sender, signal };
    } finally {
      this.inHand--;
    }
  }

  private drop(reason: SignalDrop): undefined {
    this.dropped[reason]++;
    return undefined;
  }

  /** Counts a signal against its sender and all; undefined when it is one too many. */
  private admit(sender: DeviceAddress): Peer | undefined {
    const now = this.clock.now();
    const name = nameOf(sender);
    const peer = this.peers.get(name) ?? this.newPeer(now);
    if (peer === undefined) return undefined;
    this.peers.set(name, peer);
    peer.bucket = refilled(peer.bucket, peerRate, now);
    this.total = refilled(this.total, totalRate, now);
    if (peer.bucket.tokens < 1 || this.total.tokens < 1) return undefined;
    peer.bucket = { ...peer.bucket, tokens: peer.bucket.tokens - 1 };
    this.total = { ...this.total, tokens: this.total.tokens - 1 };
    return peer;
  }

  /** Room for one more: those go first of whom nothing could be shown twice. */
  private newPeer(now: number): Peer | undefined {
    if (this.peers.size >= mostPeers) {
      for (const [name, peer] of this.peers) {
        if (!peer.runs.isIdle(now)) continue;
        this.peers.delete(name);
        if (this.peers.size < mostPeers) break;
      }
    }
    if (this.peers.size >= mostPeers) return undefined;
    return { bucket: fullBucket(peerRate, now), secret: undefined, runs: new PeerRuns() };
  }

  private async openFrom(
    sender: DeviceAddress,
    peer: Peer,
    sealed: SealedSignal,
  ): Promise<EphemeralSignal | SignalDrop> {
    const { userId } = sender;
    const chat = await this.store.get('chat', { id: chatWith(userId) });
    if (!chat?.accepted || (await hasBlocked(this.store, userId))) return 'stranger';
    const record = await this.store.get('ephemeralSecret', { ...sender, direction: 'in' });
    if (record === undefined || !(await this.isCurrent(record))) return 'forged';
    if (peer.secret === undefined || !sameBytes(peer.secret, record.secret)) {
      peer.secret = record.secret;
      peer.runs = new PeerRuns();
    }
    // From here on nothing waits: two copies of one signal can't overtake each other.
    const run = peer.runs.find(sealed.run, () => new SignalCipher(record.secret, sealed.run, sender, this.self()));
    const signal = run.cipher.open(sealed);
    if (signal === undefined) return 'forged';
    const now = this.clock.now();
    if (Math.abs(signal.sentAt - now) > freshFor || signal.sentAt < this.startedAt) return 'stale';
    if (!run.window.isNew(sealed.counter)) return 'replayed';
    if (!peer.runs.keep(sealed.run, run, now)) return 'flood';
    run.window.take(sealed.counter);
    // It may have been taken out meanwhile, when nothing was remembered of it yet.
    this.peers.set(nameOf(sender), peer);
    return signal;
  }

  /** Whether the person is still who gave it. */
  private async isCurrent({ userId, identityKey }: EphemeralSecretRecord): Promise<boolean> {
    const identity = await this.store.get('identity', { userId });
    return identity !== undefined && sameBytes(identity.key, identityKey);
  }
}

function nameOf({ userId, deviceId }: DeviceAddress): string {
  return `${userId}.${deviceId}`;
}
