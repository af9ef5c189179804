import { type ClientFrameFields, ClientFrames } from '@sotto/proto';
import { SottoError } from '../sotto-error.ts';

/** The relay takes at most this many frames in one message (docs/protocol.md, section 3). */
const mostFrames = 4_096;

/** Frames on their way into WebSocket messages. */
export class FrameBatch {
  readonly #maxBytes: number;
  #parts: Uint8Array[] = [];
  #length = 0;
  #handed: (() => void)[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#length;
  }

  /**
   * Adds frames, all or none. `handed` is for who takes them out: to be called when they were handed to the socket.
   * @throws {SottoError} `argument-invalid` when one frame alone is too large for a message
   */
  add(frames: readonly ClientFrameFields[], handed?: () => void): void {
    // Encoded lists may be joined: a list after a list is one list.
    const parts = frames.map((frame) => ClientFrames.encode({ frames: [frame] }));
    if (parts.some((part) => part.length > this.#maxBytes)) {
      throw new SottoError('argument-invalid', `a frame has more bytes than the relay takes (${this.#maxBytes})`);
    }
    for (const part of parts) this.#length += part.length;
    this.#parts.push(...parts);
    if (handed) this.#handed.push(handed);
  }

  /** Takes everything out, as few messages as may be, and sends it; then tells those who added it. */
  flush(send: (message: Uint8Array) => void): void {
    for (const message of this.#take()) send(message);
    const handed = this.#handed;
    this.#handed = [];
    for (const tell of handed) tell();
  }

  #take(): readonly Uint8Array[] {
    const messages: Uint8Array[] = [];
    let from = 0;
    let length = 0;
    this.#parts.forEach((part, at) => {
      if (length + part.length > this.#maxBytes || at - from >= mostFrames) {
        messages.push(joined(this.#parts.slice(from, at), length));
        from = at;
        length = 0;
      }
      length += part.length;
    });
    if (length > 0) messages.push(joined(this.#parts.slice(from), length));
    this.#parts = [];
    this.#length = 0;
    return messages;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
