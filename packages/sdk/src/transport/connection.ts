import { type ClientFrameFields, ProtoError, type ServerFrame, ServerFrames } from '@sotto/proto';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { Socket, SocketFactory } from '../ports/socket.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import { SottoError, type SottoErrorCode } from '../sotto-error.ts';
import {
  initialState,
  type MachineEffect,
  type MachineInput,
  type MachineState,
  type MachineTimer,
  stepConnection,
} from './connection-machine.ts';
import type { ConnectionState, EndReason, OfflineReason } from './connection-state.ts';
import { FrameBatch } from './frame-batch.ts';
import type { Stream, StreamHandlers, StreamHello } from './stream.ts';
import type { StreamCredential, StreamCredentials } from './stream-credentials.ts';

/** The versions of the protocol that this client speaks. */
const protocol = 1;
/** A Send with one ciphertext of the largest size has to fit. */
const leastMessageBytes = 320 * 1024;
const mistakes: ReadonlySet<OfflineReason> = new Set([
  'misbehaved',
  'protocol-broken',
  'protocol-unsupported',
  'message-too-large',
]);

/** What `Connection` works with. */
export interface ConnectionParts {
  /** The `ws:` or `wss:` address of the stream. */
  readonly url: string;
  readonly credentials: StreamCredentials;
  /** Name and version of the software, for the relay's operator. */
  readonly agent: string;
  readonly sockets: SocketFactory;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly logger: Logger;
  readonly handlers: StreamHandlers;
}

/** One stream to the relay, kept alive: carries out what `connection-machine.ts` decides. */
export class Connection implements Stream {
  readonly #parts: ConnectionParts;
  readonly #timers = new Map<MachineTimer, CancelTimer>();
  readonly #tasks: (() => void)[] = [];
  #working = false;
  #machine: MachineState = initialState;
  #announced: ConnectionState = 'stopped';
  /** Counts sockets and tokens asked for: what comes from an earlier one is not listened to. */
  #attempt = 0;
  #authorizing: AbortController | undefined;
  #credential: StreamCredential | undefined;
  #socket: Socket | undefined;
  #hello: StreamHello | undefined;
  #batch = new FrameBatch(leastMessageBytes);
  #stopped: (() => void)[] = [];
  #offset = 0;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  get state(): ConnectionState {
    return this.#announced;
  }

  get serverClockOffset(): number {
    return this.#offset;
  }

  get bufferedBytes(): number {
    return (this.#socket?.bufferedBytes ?? 0) + this.#batch.length;
  }

  start(): void {
    this.#tell({ type: 'start' });
  }

  wake(): void {
    this.#tell({ type: 'wake' });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#do(() => {
        this.#stopped.push(resolve);
        if (this.#machine.phase === 'stopped') this.#announce('stopped', {});
        else this.#step({ type: 'stop' });
      });
    });
  }

  send(frames: readonly ClientFrameFields[], handed?: () => void): boolean {
    if (this.#machine.phase !== 'open') return false;
    const first = this.#batch.length === 0;
    this.#batch.add(frames, handed);
    const attempt = this.#attempt;
    if (first) queueMicrotask(() => attempt === this.#attempt && this.#flush());
    return true;
  }

  #flush(): void {
    this.#batch.flush((message) => this.#socket?.send(message));
  }

  #tell(input: MachineInput): void {
    this.#do(() => this.#step(input));
  }

  /** Tasks run one after another, also those that come up while one runs. */
  #do(task: () => void): void {
    this.#tasks.push(task);
    if (this.#working) return;
    this.#working = true;
    try {
      for (let next = this.#tasks.shift(); next; next = this.#tasks.shift()) next();
    } finally {
      this.#working = false;
    }
  }

  /** Calls a handler. One that fails has not done what it was given: the relay has to deliver it again, on a new connection. */
  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#parts.logger.error('stream.handler-failed', { name: error instanceof Error ? error.name : typeof error });
      this.#tell({ type: 'broke', reason: 'handler-failed' });
    }
  }

  #step(input: MachineInput): void {
    const { state, effects } = stepConnection(this.#machine, input);
    this.#machine = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: MachineEffect): void {
    switch (effect.type) {
      case 'authorize':
        this.#authorize(effect.replace);
        break;
      case 'connect':
        this.#connect();
        break;
      case 'greet':
        this.#greet();
        break;
      case 'opened':
        this.#opened();
        break;
      case 'ping':
        this.#batch.add([{ ping: { nonce: this.#parts.randomness.bytes(8) } }]);
        this.#flush();
        break;
      case 'close':
        this.#flush();
        this.#socket?.close(1000, '');
        break;
      case 'drop':
        this.#drop();
        break;
      case 'set-timer':
        this.#setTimer(effect.timer, effect.ms);
        break;
      case 'clear-timer':
        this.#clearTimer(effect.timer);
        break;
      case 'clear-timers':
        for (const timer of [...this.#timers.keys()]) this.#clearTimer(timer);
        break;
      case 'retry':
        this.#retry(effect.floorMs, effect.spreadMs, effect.reason);
        break;
      case 'announce':
        this.#announce(effect.state, effect.reason === undefined ? {} : { reason: effect.reason });
        break;
    }
  }

  #retry(floorMs: number, spreadMs: number, reason: OfflineReason): void {
    const { clock, randomness, logger } = this.#parts;
    const delay = Math.round(floorMs + randomness.fraction() * spreadMs);
    this.#setTimer('retry', delay);
    // A mistake on one side is for somebody to look into; the rest is what networks do.
    logger[mistakes.has(reason) ? 'error' : 'info']('stream.offline', { reason, delay });
    this.#announce('offline', { retryAt: clock.now() + delay, reason });
  }

  #opened(): void {
    const hello = this.#hello;
    if (hello) this.#guarded(() => this.#parts.handlers.opened(hello));
  }

  #announce(state: ConnectionState, detail: { retryAt?: number; reason?: OfflineReason | EndReason }): void {
    this.#announced = state;
    for (const resolve of this.#stopped.splice(0)) resolve();
    this.#guarded(() => this.#parts.handlers.stateChanged(state, detail));
  }

  #authorize(replace: boolean): void {
    const attempt = ++this.#attempt;
    const authorizing = new AbortController();
    this.#authorizing = authorizing;
    const current = (task: () => void) => () => attempt === this.#attempt && task();
    this.#parts.credentials.credential(replace, authorizing.signal).then(
      (credential) =>
        this.#do(
          current(() => {
            this.#credential = credential;
            this.#step({ type: 'authorized' });
          }),
        ),
      (error: unknown) => this.#do(current(() => this.#step(refusedInput(error)))),
    );
  }

  #connect(): void {
    const attempt = ++this.#attempt;
    const current = (task: () => void) => this.#do(() => attempt === this.#attempt && task());
    const { headers = {}, protocols = [] } = this.#credential ?? {};
    this.#batch = new FrameBatch(leastMessageBytes);
    this.#hello = undefined;
    this.#socket = this.#parts.sockets.open(
      { url: this.#parts.url, headers, protocols },
      {
        opened: () => current(() => this.#step({ type: 'socket-opened' })),
        received: (bytes) => current(() => this.#received(bytes)),
        closed: ({ code, status }) => current(() => this.#step({ type: 'socket-closed', code, status })),
      },
    );
  }

  #greet(): void {
    const hello = { protocolMin: protocol, protocolMax: protocol, capabilities: [], agent: this.#parts.agent };
    this.#batch.add([{ hello }]);
    this.#flush();
  }

  #drop(): void {
    this.#attempt++;
    this.#authorizing?.abort(new SottoError('client-stopped', 'the connection was given up'));
    this.#authorizing = undefined;
    this.#socket?.terminate();
    this.#socket = undefined;
    this.#batch = new FrameBatch(leastMessageBytes);
  }

  #received(bytes: Uint8Array): void {
    if (this.#machine.phase !== 'greeting' && this.#machine.phase !== 'open') return;
    const frames = readFrames(bytes);
    if (frames === undefined) {
      this.#step({ type: 'broke', reason: 'misbehaved' });
      return;
    }
    const attempt = this.#attempt;
    const others: ServerFrame[] = [];
    for (const frame of frames) {
      if (!this.#handledInside(frame)) others.push(frame);
      if (attempt !== this.#attempt) return;
    }
    this.#step({ type: 'heard' });
    if (others.length === 0) return;
    this.#guarded(() => this.#parts.handlers.received(others));
    if (others.some((frame) => frame.queueEmpty)) this.#tell({ type: 'queue-empty' });
  }

  /** Handles the frames that keep the stream itself going. Before the hello nothing else may come. */
  #handledInside(frame: ServerFrame): boolean {
    if (frame.hello) {
      this.#greeted(frame.hello);
      return true;
    }
    if (this.#machine.phase === 'greeting') {
      const unsupported = frame.error?.code === 'protocol-unsupported';
      if (unsupported) this.#parts.logger.error('stream.protocol-unsupported', { protocol });
      this.#step(unsupported ? { type: 'unsupported' } : { type: 'broke', reason: 'misbehaved' });
      return true;
    }
    if (frame.drain) this.#step({ type: 'drain', retryAfterMs: frame.drain.retryAfterMs ?? 0 });
    return Boolean(frame.drain ?? frame.pong);
  }

  #greeted(hello: NonNullable<ServerFrame['hello']>): void {
    const { serverTime, inFlight, maxMessageBytes, idleTimeoutMs } = hello;
    const known = {
      serverTime: serverTime ?? 0,
      inFlight: inFlight ?? 0,
      maxMessageBytes: maxMessageBytes ?? 0,
      contactRate: rateOf(hello.sendBurst, hello.sendsPerSecond),
      strangerRate: rateOf(hello.strangerBurst, hello.strangerSendsPerSecond),
      deviceRate: rateOf(hello.deviceBurst, hello.deviceSendsPerSecond),
    };
    if (hello.protocol !== protocol || known.maxMessageBytes < leastMessageBytes) {
      this.#step({ type: 'broke', reason: 'misbehaved' });
      return;
    }
    this.#hello = known;
    this.#batch = new FrameBatch(known.maxMessageBytes);
    this.#offset = known.serverTime - this.#parts.clock.now();
    this.#step({ type: 'hello', idleTimeoutMs: idleTimeoutMs ?? 0 });
  }

  #setTimer(timer: MachineTimer, ms: number): void {
    this.#clearTimer(timer);
    const cancel = this.#parts.timers.after(ms, () => {
      this.#timers.delete(timer);
      this.#tell({ type: 'timer', timer });
    });
    this.#timers.set(timer, cancel);
  }

  #clearTimer(timer: MachineTimer): void {
    this.#timers.get(timer)?.();
    this.#timers.delete(timer);
  }
}

/** A rate that could never refill is none. */
function rateOf(burst: number | null | undefined, perSecond: number | null | undefined) {
  return burst && perSecond ? { burst, perSecond } : { burst: 0, perSecond: 0 };
}

function readFrames(bytes: Uint8Array): readonly ServerFrame[] | undefined {
  try {
    return ServerFrames.decode(bytes).frames as readonly ServerFrame[];
  } catch (error) {
    if (error instanceof ProtoError) return undefined;
    throw error;
  }
}

/** Why no token could be got, as the machine wants to know it. */
function refusedInput(error: unknown): MachineInput {
  const code = error instanceof SottoError ? error.code : 'internal';
  if (code === 'session-ended' || code === 'not-registered') {
    return { type: 'session-ended', reason: (error instanceof SottoError ? error.endReason : undefined) ?? code };
  }
  const waitMs = error instanceof SottoError ? (error.retryAfterMs ?? 0) : 0;
  return { type: 'not-authorized', reason: reasonsOfCodes.get(code) ?? 'failed-here', waitMs };
}

/** What HTTP calls throw, as the one set of reasons has it: whichever way the relay was asked first, the same outage reads the same. */
const reasonsOfCodes: ReadonlyMap<SottoErrorCode, OfflineReason> = new Map([
  ['relay-unreachable', 'unreachable'],
  ['relay-misbehaved', 'misbehaved'],
  ['relay-refused', 'refused'],
  ['rate-limited', 'rate-limited'],
]);
