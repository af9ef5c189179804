import {
  ClientFrames,
  fromBase64Url,
  GroupRecord,
  RecipientStatus,
  type Send,
  type SendResultFields,
  type ServerFrameFields,
  ServerFrames,
  toBase64Url,
  uuidToText,
} from '@sotto/proto';
import type { Fetch, SocketFactory, SocketHandlers } from '@sotto/sdk/ports';
import type { Peer, Sealed } from './peer.ts';

/** As the relay has it by default. */
const inFlight = 256;
/** The relay reads so many entries at once, and they leave as one WebSocket message. */
const deliveriesAtOnce = 64;
const retentionMs = 30 * 24 * 3_600_000;
const hourMs = 3_600_000;

/** Something that left the client. */
export interface SentMessage {
  readonly recipientId: string;
  readonly sealed: Sealed;
}

/**
 * The relay's side of the wire in the process of the client, so that no other process takes part of the machine.
 *
 * It answers what a client asks (docs/protocol.md) and keeps what was sent in memory; everything comes back in a later turn of the event loop, as from a network.
 */
export class LocalRelay {
  readonly fetch: Fetch = (url, request) => Promise.resolve(this.answer(request.method, new URL(url), request.body));
  readonly sockets: SocketFactory = { credential: 'header', open: (_target, handlers) => this.open(handlers) };
  private readonly peers = new Map<string, Peer>();
  private mail: SentMessage[] = [];
  private waits: { readonly fits: () => boolean; readonly resolve: () => void }[] = [];
  private results: SendResultFields[] = [];
  private undelivered: { readonly message: Uint8Array; readonly count: number }[] = [];
  private unacked = 0;
  private handlers: SocketHandlers | undefined;
  private sentCount = 0;
  private settledCount = 0;
  private ackedCount = 0;
  private nextDelivery = 0;

  add(peer: Peer): void {
    this.peers.set(peer.keys.userId, peer);
  }

  /** How many Sends were handed over so far. */
  get sent(): number {
    return this.sentCount;
  }

  /** How many deliveries were acked so far. */
  get acked(): number {
    return this.ackedCount;
  }

  /** Takes what was sent since the last call. */
  takeMail(): readonly SentMessage[] {
    return this.mail.splice(0);
  }

  /** Resolves when so many Sends in all have been handed over. */
  untilSent(count: number): Promise<void> {
    return this.until(() => this.sentCount >= count);
  }

  /** Resolves when so many deliveries in all have been acked. */
  untilAcked(count: number): Promise<void> {
    return this.until(() => this.ackedCount >= count);
  }

  /** Resolves once every Send has its result. */
  untilSettled(): Promise<void> {
    return this.until(() => this.settledCount === this.sentCount);
  }

  /** Makes messages of deliveries, to be handed over by `deliver`: encoding is the relay's work, and not measured. */
  prepare(envelopes: readonly Uint8Array[]): void {
    for (let from = 0; from < envelopes.length; from += deliveriesAtOnce) {
      const frames = envelopes.slice(from, from + deliveriesAtOnce).map((envelope): ServerFrameFields => {
        const deliveryId = new Uint8Array(16);
        new DataView(deliveryId.buffer).setUint32(0, ++this.nextDelivery);
        return { deliver: { deliveryId, envelope } };
      });
      this.undelivered.push({ message: ServerFrames.encode({ frames }), count: frames.length });
    }
  }

  /** Begins to deliver what was prepared, as far as the window of unacked deliveries allows. */
  deliver(): void {
    while (this.undelivered.length > 0 && this.unacked + deliveriesAtOnce <= inFlight) {
      const next = this.undelivered.shift();
      if (next === undefined) return;
      this.unacked += next.count;
      setImmediate(() => this.handlers?.received(next.message));
    }
  }

  private open(handlers: SocketHandlers) {
    this.handlers = handlers;
    setImmediate(() => handlers.opened());
    const close = (code: number, text: string) => {
      if (this.handlers !== handlers) return;
      this.handlers = undefined;
      setImmediate(() => handlers.closed({ code, text }));
    };
    return {
      bufferedBytes: 0,
      send: (bytes: Uint8Array) => this.received(bytes),
      close,
      terminate: () => close(1006, ''),
    };
  }

  private received(bytes: Uint8Array): void {
    for (const frame of ClientFrames.decode(bytes).frames) {
      // The decoder gives whole messages: what was absent has its default.
      if (frame.send) this.take(frame.send as Send);
      else if (frame.ack) this.takeAck(frame.ack.deliveryIds?.length ?? 0);
      else if (frame.hello) this.greet();
      else if (frame.ping) this.reply([{ pong: { nonce: frame.ping.nonce ?? new Uint8Array() } }]);
    }
    this.settleWaits();
  }

  private greet(): void {
    const hello = { protocol: 1, serverTime: Date.now(), idleTimeoutMs: 120_000, maxMessageBytes: 2 ** 20, inFlight };
    this.reply([{ hello }, { queueEmpty: {} }]);
  }

  private take({ sendId, recipients }: Send): void {
    const acceptedAt = Date.now();
    for (const { userId, devices } of recipients) {
      const recipientId = uuidToText(userId ?? new Uint8Array());
      for (const { kind, ciphertext } of devices ?? []) {
        // What all of a group share is nothing that a peer here could open.
        if (ciphertext?.length) this.mail.push({ recipientId, sealed: { kind: kind ?? 0, ciphertext } });
      }
    }
    this.sentCount++;
    this.results.push({
      sendId,
      acceptedAt,
      expiresAt: acceptedAt + retentionMs,
      recipients: recipients.map(({ userId, devices }) => ({
        userId: userId ?? new Uint8Array(),
        status: RecipientStatus.RECIPIENT_STATUS_ACCEPTED,
        devices: (devices ?? []).map(({ deviceId }) => ({ deviceId: deviceId ?? 0, status: 1 })),
      })),
    });
    if (this.results.length > 1) return;
    setImmediate(() => {
      const results = this.results.splice(0);
      this.settledCount += results.length;
      this.handlers?.received(ServerFrames.encode({ frames: results.map((sendResult) => ({ sendResult })) }));
      this.settleWaits();
    });
  }

  private takeAck(count: number): void {
    this.ackedCount += count;
    this.unacked -= count;
    this.deliver();
  }

  private reply(frames: ServerFrameFields[]): void {
    setImmediate(() => this.handlers?.received(ServerFrames.encode({ frames })));
  }

  private answer(method: string, url: URL, body: string | Uint8Array | undefined): Response {
    const asked: Record<string, unknown> = typeof body === 'string' ? JSON.parse(body) : {};
    switch (`${method} ${url.pathname}`) {
      case 'POST /v1/verifications':
        return json(202, { verificationId: 'bench', codeLength: 6, expiresInMs: hourMs, resendAfterMs: hourMs });
      case 'POST /v1/registrations':
        return json(200, { userId: asked.userId, deviceId: 1, accessToken: 'bench', accessExpiresInMs: 24 * hourMs });
      case 'POST /v1/lookups':
        return json(200, { users: this.usersWith(asked.numbers) });
      case 'GET /v1/prekeys':
        return json(200, { ec: 100, kyber: 100 });
      default:
        return url.pathname.startsWith('/v1/groups')
          ? this.answerAboutGroup(method, url.pathname, asked)
          : this.answerAboutUser(url.pathname);
    }
  }

  /** Every record is accepted, and nobody else writes any. */
  private answerAboutGroup(method: string, path: string, asked: Record<string, unknown>): Response {
    if (method === 'GET' && path === '/v1/groups') return json(200, { groups: [] });
    if (method === 'POST' && path.endsWith('/records')) {
      const record = GroupRecord.decode(fromBase64Url(String(asked.record)));
      return json(200, { revision: record.revision });
    }
    return new Response(null, { status: 204 });
  }

  private answerAboutUser(path: string): Response {
    const [, userId = '', what] = /^\/v1\/users\/([^/]+)\/(\w+)$/.exec(path) ?? [];
    const peer = this.peers.get(userId);
    if (peer === undefined) return json(404, { error: { code: 'user-unknown', message: '', retryable: false } });
    if (what === 'bundles') return json(200, peer.bundles);
    if (what === 'devices') return json(200, { deviceList: toBase64Url(peer.keys.deviceList) });
    return json(404, { error: { code: 'not-found', message: '', retryable: false } });
  }

  private usersWith(numbers: unknown): readonly { number: string; userId: string }[] {
    const wanted: readonly unknown[] = Array.isArray(numbers) ? numbers : [];
    return [...this.peers.values()]
      .filter(({ number }) => wanted.includes(number))
      .map(({ number, keys }) => ({ number, userId: keys.userId }));
  }

  private until(fits: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.waits.push({ fits, resolve });
      this.settleWaits();
    });
  }

  private settleWaits(): void {
    this.waits = this.waits.filter(({ fits, resolve }) => {
      if (!fits()) return true;
      resolve();
      return false;
    });
  }
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
}
