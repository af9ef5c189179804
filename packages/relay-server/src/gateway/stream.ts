import {
  type ClientFrame,
  ClientFrames,
  isUuid,
  ProtoError,
  type SendResultFields,
  type ServerFrameFields,
  SignedDeviceList,
  uuidToBytes,
} from '@sotto/proto';
import type { WebSocket } from 'ws';
import { idleDevices } from '../devices/idle-devices.ts';
import type { DeviceStream, EphemeralSignal, StreamEnd } from '../dispatch/connected-devices.ts';
import { type PrekeyLevel, prekeyLevel } from '../keys/prekey-level.ts';
import { toldPace } from '../limits/told-pace.ts';
import type { ArrivedSend, Sender } from '../mailbox/ingress.ts';
import { SendQueue } from '../mailbox/send-queue.ts';
import { isAccepted, refusedResult } from '../mailbox/send-result.ts';
import type { MailDevice } from '../ports/mailbox.ts';
import type { PrekeysLeft } from '../ports/prekey-store.ts';
import type { CancelTimer } from '../ports/timers.ts';
import { RelayError, type RelayErrorCode } from '../relay-error.ts';
import { AckQueue } from './ack-queue.ts';
import { type CloseCode, closeCode, closeOf } from './close-code.ts';
import { DeliveryPump } from './delivery-pump.ts';
import { Outbox } from './outbox.ts';
import { chooseProtocol } from './protocol-range.ts';
import { type EphemeralFrame, SentSignals, signalBytes } from './sent-signals.ts';
import type { StreamParts } from './stream-parts.ts';

/** The most frames of one message: they are all handled in one turn of the event loop, in which nobody else is served. */
const mostFrames = 4_096;
/** How long a peer may take to answer our close. */
const closeGraceMs = 5_000;

/**
 * One device's WebSocket, from after the upgrade to its close.
 *
 * `hello` -> `open` -> (`draining`) -> `closing` -> `closed`. While closing, acks still count and nothing else does.
 */
export class Stream implements DeviceStream {
  readonly #parts: StreamParts;
  readonly #socket: WebSocket;
  readonly #device: MailDevice;
  readonly #outbox: Outbox;
  readonly #onClosed: (stream: Stream) => void;
  #state: 'hello' | 'opening' | 'open' | 'draining' | 'closing' | 'closed' = 'hello';
  #pump: DeliveryPump | undefined;
  /** As whom it reads and acks: until this is known it does neither. */
  #named: MailDevice | undefined;
  #whenNamed: ((device: MailDevice) => void) | undefined;
  // Made when they are needed: most streams are idle, and there are many.
  #knownSender: Sender | undefined;
  #knownSends: SendQueue | undefined;
  #knownAcks: AckQueue | undefined;
  #knownSignals: SentSignals | undefined;
  #cancelGrace: CancelTimer | undefined;
  #silentTicks = 0;
  #toldLevel: PrekeyLevel = 0;
  #isPaused = false;

  constructor(parts: StreamParts, socket: WebSocket, device: MailDevice, onClosed: (stream: Stream) => void) {
    this.#parts = parts;
    this.#socket = socket;
    this.#device = device;
    this.#onClosed = onClosed;
    this.#outbox = new Outbox(socket, parts.tracer, () => this.#sent());
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data, isBinary) => this.#message(data, isBinary));
    socket.on('ping', () => this.#heard());
    socket.on('error', (error) => this.#socketError(error));
    socket.on('close', () => this.#closed());
  }

  /** As its token or ticket names it. */
  get device(): MailDevice {
    return this.#device;
  }

  /** Says which of all devices that ever have its address this is. */
  name(device: MailDevice): void {
    this.#named = device;
    this.#whenNamed?.(device);
    this.#knownAcks?.flush();
  }

  hint(): void {
    this.#pump?.hint();
  }

  ephemeral(signal: EphemeralSignal): void {
    const { counts, stream } = this.#parts;
    if (this.#state !== 'open' || this.#socket.bufferedAmount > stream.maxBufferedBytes) {
      counts.ephemeralsDropped.add(1);
      return;
    }
    counts.ephemerals.add(1);
    this.#queue({ ephemeral: signal }, signal.payload.length + 40);
  }

  prekeysLeft(left: PrekeysLeft): void {
    const level = prekeyLevel(left);
    if (level > this.#toldLevel && this.#state === 'open') {
      this.#queue({ prekeysLow: { ecLeft: left.ec, kyberLeft: left.kyber } }, 16);
    }
    this.#toldLevel = level === 0 || level > this.#toldLevel ? level : this.#toldLevel;
  }

  devicesChanged(signed: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#queue({ devicesChanged: { deviceList: SignedDeviceList.decode(signed) } }, signed.length + 16);
  }

  devicesIdle(deviceIds: readonly number[]): void {
    if (this.#state !== 'open' || deviceIds.length === 0) return;
    this.#queue({ devicesIdle: { deviceIds: [...deviceIds] } }, deviceIds.length + 16);
  }

  end(why: StreamEnd): void {
    const [code, reason] = closeOf[why];
    this.#close(code, reason);
  }

  /** Called at even times; ends the stream after four of them without a sign of life. */
  tick(): void {
    if (++this.#silentTicks <= 4) return;
    // While reading is paused nothing can be heard: then it is the peer that does not read.
    if (this.#isPaused) this.#closeSlow();
    else this.#close(closeCode.silent, 'silent for too long');
  }

  /** Says that the relay goes down, gives what results there will be, then closes. Resolves when the close has begun. */
  async drain(retryAfterMs: number): Promise<void> {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    const saidHello = this.#state !== 'hello';
    this.#state = 'draining';
    this.#pump?.stop();
    if (saidHello) this.#queue({ drain: { retryAfterMs } }, 8);
    await this.#knownSends?.settled();
    await this.#knownAcks?.settled();
    this.#close(closeCode.drained, 'the relay is going down');
  }

  /** Ends the connection without ceremony. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** Resolves when nothing of this stream is on its way to a store. */
  async settled(): Promise<void> {
    await this.#knownSends?.settled();
    await this.#knownAcks?.settled();
  }

  #message(data: unknown, isBinary: boolean): void {
    this.#heard();
    if (this.#state === 'closed') return;
    if (!isBinary || !(data instanceof Uint8Array)) {
      this.#broken('frame-malformed', 'text messages are not spoken here');
      return;
    }
    let frames: ClientFrame[];
    try {
      frames = ClientFrames.decode(data).frames as ClientFrame[];
    } catch (error) {
      if (!(error instanceof ProtoError)) throw error;
      this.#broken('frame-malformed', 'a message did not parse as ClientFrames');
      return;
    }
    if (frames.length > mostFrames) {
      this.#broken('frame-malformed', `a message has more than ${mostFrames} frames`);
      return;
    }
    for (const frame of frames) this.#frame(frame);
    this.#knownAcks?.flush();
    this.#balance();
  }

  #frame(frame: ClientFrame): void {
    if (frame.ack && this.#state !== 'hello') {
      this.#ack(frame.ack.deliveryIds ?? []);
      return;
    }
    switch (this.#state) {
      case 'hello':
        this.#hello(frame);
        return;
      case 'draining':
        if (frame.send) this.#refuseDraining(frame.send.sendId ?? new Uint8Array());
        return;
      case 'opening':
      case 'open':
        if (frame.send) this.#sends.push({ send: frame.send as ArrivedSend['send'], at: this.#parts.clock.now() });
        else if (frame.ping)
          this.#queue({ pong: { nonce: (frame.ping.nonce ?? new Uint8Array()).subarray(0, 64) } }, 80);
        else if (frame.ephemeral) this.#relayEphemeral(frame.ephemeral);
        else if (frame.hello) this.#broken('frame-malformed', 'hello comes once');
        return;
      case 'closing':
      case 'closed':
        return;
    }
  }

  #hello(frame: ClientFrame): void {
    const said = frame.hello;
    if (!said) {
      this.#broken('hello-expected', 'hello has to come first');
      return;
    }
    const { clock, stream, limits } = this.#parts;
    const protocol = chooseProtocol(said.protocolMin ?? 0, said.protocolMax ?? 0);
    if (protocol === undefined) {
      this.#error('protocol-unsupported', 'This relay speaks version 1: update the client, or the relay.');
      this.#close(closeCode.protocolBroken, 'no common protocol version');
      return;
    }
    this.#state = 'opening';
    const { idleTimeoutMs, maxMessageBytes, inFlight } = stream;
    const told = { serverTime: clock.now(), ...toldPace(limits) };
    const hello = { protocol, capabilities: [], idleTimeoutMs, maxMessageBytes, inFlight, ...told };
    this.#queue({ hello }, 64);
    this.#open().catch((error: unknown) => this.#failed(error));
  }

  /** Catching up starts when it is known how much there is to catch up with. */
  async #open(): Promise<void> {
    const { directory, tokens, lastSeen, mailbox, prekeys, clock, timers, stream, catchUpMs } = this.#parts;
    const device = this.#device;
    const [list, hasSession] = await Promise.all([directory.peek(device.userId), tokens.hasSession(device)]);
    // It may have ended between the check of the token and the moment from which this stream is told of it.
    if (!hasSession) this.end('session-ended');
    else if (list !== undefined && list.devices.length > 1) await lastSeen.heard(device);
    const { count } = await mailbox.usage(device);
    const left = await prekeys.left(device);
    const named = this.#named ?? (await new Promise<MailDevice>((resolve) => (this.#whenNamed = resolve)));
    if (this.#state !== 'opening') return;
    this.#state = 'open';
    this.prekeysLeft(left);
    if (list?.devices[0]?.deviceId === device.deviceId) this.devicesIdle(idleDevices(list));
    this.#pump = new DeliveryPump({
      reader: mailbox.reader(named),
      clock,
      window: stream.inFlight,
      storedAtOpening: count,
      timers,
      patienceMs: catchUpMs,
      takesMore: () => this.#socket.bufferedAmount + this.#outbox.bytes < stream.maxBufferedBytes,
      deliver: ({ deliveryId, envelope }) => {
        this.#parts.counts.deliveries.add(1);
        this.#queue({ deliver: { deliveryId, envelope } }, envelope.length + 48, 'deliver.sent');
      },
      queueEmpty: () => this.#queue({ queueEmpty: {} }, 4),
      failed: (error) => this.#failed(error),
    });
    this.#pump.hint();
  }

  #ack(deliveryIds: readonly Uint8Array[]): void {
    const { counts, tracer } = this.#parts;
    if (deliveryIds.some((id) => id.length < 1 || id.length > 32)) {
      this.#error('ack-malformed', 'A delivery id has 1 to 32 bytes: send back those of Deliver as they are.');
      return;
    }
    counts.acks.add(deliveryIds.length);
    tracer.reached('ack.received');
    this.#acks.add(deliveryIds);
    this.#pump?.acked(deliveryIds);
  }

  #relayEphemeral(frame: EphemeralFrame): void {
    this.#knownSignals ??= new SentSignals(this.#parts, this.#sender);
    if (this.#knownSignals.take(frame) === 'too-large') {
      this.#error('ephemeral-too-large', `An ephemeral payload has at most ${signalBytes} bytes.`);
    }
  }

  get #sender(): Sender {
    const { userId } = this.#device;
    this.#knownSender ??= { ...this.#device, userBytes: isUuid(userId) ? uuidToBytes(userId) : new Uint8Array() };
    return this.#knownSender;
  }

  get #sends(): SendQueue {
    this.#knownSends ??= new SendQueue(this.#parts.ingress, this.#sender, (result) => this.#result(result));
    return this.#knownSends;
  }

  get #acks(): AckQueue {
    const failed = (error: unknown) => this.#failed(error);
    this.#knownAcks ??= new AckQueue(this.#parts, () => this.#named, failed);
    return this.#knownAcks;
  }

  #result(result: SendResultFields): void {
    const { counts } = this.#parts;
    if (result.refused) counts.sendsRefused(result.refused.code ?? 'internal').add(1);
    else if (isAccepted(result)) counts.sendsAccepted.add(1);
    else counts.sendsIncomplete.add(1);
    let bytes = 128;
    for (const { devices, deviceList } of result.recipients ?? []) {
      bytes += 32 + (devices?.length ?? 0) * 8 + (deviceList?.list?.length ?? 0);
    }
    this.#queue({ sendResult: result }, bytes, 'send.result.sent');
    this.#balance();
  }

  #refuseDraining(sendId: Uint8Array): void {
    const message = 'The relay is going down: send the same after reconnecting.';
    const refusal = { code: 'draining', message, retryable: true, retryAfterMs: 1_000 } as const;
    this.#result(refusedResult(sendId.subarray(0, 64), refusal));
  }

  #queue(frame: ServerFrameFields, bytes: number, step?: Parameters<Outbox['queue']>[2]): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#outbox.queue(frame, bytes, step);
  }

  /** Bytes have left: there may be room for more. */
  #sent(): void {
    this.#balance();
    this.#pump?.hint();
  }

  /** Reads no further while too much waits, either way; gives up on a peer that takes nothing at all. */
  #balance(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    const { stream } = this.#parts;
    const buffered = this.#socket.bufferedAmount + this.#outbox.bytes;
    if (buffered > stream.maxBufferedBytes * 4) {
      this.#closeSlow();
      return;
    }
    const load = this.#knownSends?.load ?? 0;
    if ((buffered > stream.maxBufferedBytes || load > 1) && !this.#isPaused) {
      this.#isPaused = true;
      this.#socket.pause();
    } else if (this.#isPaused && buffered <= stream.maxBufferedBytes && load <= 0.5) {
      this.#isPaused = false;
      this.#socket.resume();
    }
  }

  #closeSlow(): void {
    this.#parts.counts.slowStreams.add(1);
    this.#close(closeCode.slow, 'reads too slowly');
  }

  #heard(): void {
    this.#silentTicks = 0;
  }

  #error(code: RelayErrorCode, message: string): void {
    this.#queue({ error: { code, message, retryable: false } }, message.length + 40);
  }

  #broken(code: RelayErrorCode, reason: string): void {
    if (this.#state === 'closing') return;
    this.#parts.counts.framesMalformed.add(1);
    this.#error(code, `The stream ends: ${reason}.`);
    this.#close(closeCode.protocolBroken, reason);
  }

  #failed(error: unknown): void {
    this.#parts.logger.error('stream.failed', { code: error instanceof RelayError ? error.code : 'internal' });
    this.#close(closeCode.failed, 'the relay failed; nothing is lost');
  }

  /** `ws` has already answered with the close code that fits; the peer is told by it. */
  #socketError(error: Error): void {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
    if (code.startsWith('WS_ERR_')) this.#parts.counts.framesMalformed.add(1);
    this.#parts.logger.debug('stream.socket-error', { code });
  }

  #close(code: CloseCode, reason: string): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#outbox.flush();
    this.#state = 'closing';
    this.#pump?.stop();
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#socket.resume();
    }
    this.#cancelGrace = this.#parts.timers.after(closeGraceMs, () => this.terminate());
    this.#socket.close(code, reason);
    this.#parts.onEnding(this);
  }

  #closed(): void {
    const wasClosing = this.#state === 'closing';
    this.#state = 'closed';
    this.#pump?.stop();
    this.#cancelGrace?.();
    if (!wasClosing) this.#parts.onEnding(this);
    this.#onClosed(this);
  }
}
