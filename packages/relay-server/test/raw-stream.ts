import { randomBytes } from 'node:crypto';
import { type ClientFrameFields, ClientFrames, type ServerFrame, ServerFrames, uuidToBytes } from '@sotto/proto';
import type { WebSocket } from 'ws';
import type { RawKeys } from './raw-keys.ts';

/** How a stream ended. */
export interface RawClose {
  readonly code: number;
  readonly reason: string;
}

/** The kinds of frames that a relay sends. */
export type FrameKind =
  | 'hello'
  | 'sendResult'
  | 'deliver'
  | 'queueEmpty'
  | 'ephemeral'
  | 'drain'
  | 'pong'
  | 'prekeysLow'
  | 'devicesChanged'
  | 'devicesIdle'
  | 'error';

/** A frame of one kind, read. */
export type FrameOf<Kind extends FrameKind> = NonNullable<ServerFrame[Kind]>;

/** A client that speaks the wire by hand: what it is told to send it sends, right or wrong. */
export class RawStream {
  readonly socket: WebSocket;
  /** What the relay answered to hello, if it was asked. */
  greeting: FrameOf<'hello'> | undefined;
  readonly closed: Promise<RawClose>;
  readonly #frames: ServerFrame[] = [];
  readonly #kinds: FrameKind[] = [];
  #woken: (() => void) | undefined;
  #isClosed = false;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data) => {
      if (!(data instanceof Uint8Array)) throw new TypeError('a relay sends binary messages only');
      for (const frame of ServerFrames.decode(data).frames as ServerFrame[]) {
        this.#frames.push(frame);
        this.#kinds.push(kindOf(frame));
      }
      this.#woken?.();
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.#isClosed = true;
        this.#woken?.();
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** The kinds of frames that were received and not taken yet. */
  get kinds(): readonly FrameKind[] {
    return this.#kinds;
  }

  send(...frames: ClientFrameFields[]): void {
    this.socket.send(ClientFrames.encode({ frames }));
  }

  /** Takes the next frame of a kind out of those received, waiting for it. */
  async next<Kind extends FrameKind>(kind: Kind): Promise<FrameOf<Kind>> {
    for (;;) {
      const at = this.#kinds.indexOf(kind);
      if (at >= 0) {
        this.#kinds.splice(at, 1);
        const [frame] = this.#frames.splice(at, 1);
        const body = frame?.[kind];
        if (body) return body as FrameOf<Kind>;
      }
      if (this.#isClosed) throw new Error(`the stream closed before a frame of kind ${kind}`);
      await new Promise<void>((resolve) => {
        this.#woken = resolve;
      });
    }
  }

  /** Takes `count` frames of a kind. */
  async take<Kind extends FrameKind>(kind: Kind, count: number): Promise<FrameOf<Kind>[]> {
    const frames: FrameOf<Kind>[] = [];
    while (frames.length < count) frames.push(await this.next(kind));
    return frames;
  }

  /** Resolves when the relay has handled all that was sent before. */
  async settled(): Promise<void> {
    const nonce = randomBytes(8);
    this.send({ ping: { nonce } });
    for (;;) if (Buffer.compare((await this.next('pong')).nonce ?? new Uint8Array(), nonce) === 0) return;
  }

  async close(): Promise<RawClose> {
    this.socket.close(1000);
    return this.closed;
  }
}

/** One Send to one device of one account. */
export interface RawSend {
  readonly to: RawKeys;
  readonly sendId?: Uint8Array;
  readonly lane?: Uint8Array;
  readonly laneNo?: number;
  readonly messageId?: Uint8Array;
  readonly ciphertext?: Uint8Array;
  readonly listVersion?: number;
  readonly registrationId?: number;
  readonly ttlSeconds?: number;
  readonly accessKey?: Uint8Array;
}

/** A Send frame that is right in everything, but for what is asked to be different. */
export function rawSend(send: RawSend): NonNullable<ClientFrameFields['send']> {
  return {
    sendId: send.sendId ?? randomBytes(16),
    lane: send.lane ?? new Uint8Array(),
    laneNo: send.laneNo ?? 0,
    messageId: send.messageId ?? randomBytes(16),
    attempt: 1,
    suite: 1,
    ttlSeconds: send.ttlSeconds ?? 0,
    recipients: [
      {
        userId: uuidToBytes(send.to.userId),
        deviceListVersion: send.listVersion ?? 1,
        accessKey: send.accessKey ?? new Uint8Array(),
        devices: [
          {
            deviceId: 1,
            registrationId: send.registrationId ?? send.to.registrationId,
            kind: 1,
            ciphertext: send.ciphertext ?? randomBytes(64),
          },
        ],
      },
    ],
  };
}

function kindOf(frame: ServerFrame): FrameKind {
  const kinds: readonly FrameKind[] = [
    'hello',
    'sendResult',
    'deliver',
    'queueEmpty',
    'ephemeral',
    'drain',
    'pong',
    'prekeysLow',
    'devicesChanged',
    'devicesIdle',
    'error',
  ];
  const kind = kinds.find((each) => frame[each]);
  if (kind === undefined) throw new Error('a frame of no known kind');
  return kind;
}
