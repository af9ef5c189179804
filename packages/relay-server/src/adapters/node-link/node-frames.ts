import { RelayError } from '../../relay-error.ts';

/**
 * What goes between two nodes. A WebSocket message is a row of frames, each
 *
 * `kind (1 byte) | id (4) | value (4) | length of the payload (4) | payload`, numbers big-endian.
 *
 * The value of a request is the rest of its time in milliseconds (clocks differ, so no instant is ever sent), that of a refusal its reason; elsewhere it is 0, and a tell has the id 0.
 */
export interface NodeFrame {
  readonly kind: NodeFrameKind;
  readonly id: number;
  readonly value: number;
  readonly payload: Uint8Array;
}

export const nodeFrameKind = { request: 1, tell: 2, cancel: 3, answer: 4, refusal: 5 } as const;

export type NodeFrameKind = (typeof nodeFrameKind)[keyof typeof nodeFrameKind];

/** Reasons of refusals, by their number on the wire less one. */
const refusals = ['unreachable', 'overloaded', 'failed'] as const;

export type RefusalReason = (typeof refusals)[number];

export const frameHeadBytes = 13;

const nothing = new Uint8Array(0);

export function requestFrame(id: number, remainingMs: number, payload: Uint8Array): NodeFrame {
  return { kind: nodeFrameKind.request, id, value: remainingMs, payload };
}

export function tellFrame(payload: Uint8Array): NodeFrame {
  return { kind: nodeFrameKind.tell, id: 0, value: 0, payload };
}

export function cancelFrame(id: number): NodeFrame {
  return { kind: nodeFrameKind.cancel, id, value: 0, payload: nothing };
}

export function answerFrame(id: number, payload: Uint8Array): NodeFrame {
  return { kind: nodeFrameKind.answer, id, value: 0, payload };
}

export function refusalFrame(id: number, reason: RefusalReason): NodeFrame {
  return { kind: nodeFrameKind.refusal, id, value: refusals.indexOf(reason) + 1, payload: nothing };
}

/** @throws {RelayError} `frame-malformed` */
export function refusalReasonOf({ value }: NodeFrame): RefusalReason {
  const reason = refusals[value - 1];
  if (reason === undefined) throw malformed();
  return reason;
}

/** Writes frames into one message. */
export function encodeNodeFrames(frames: readonly NodeFrame[]): Buffer {
  const size = frames.reduce((sum, { payload }) => sum + frameHeadBytes + payload.length, 0);
  const message = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const { kind, id, value, payload } of frames) {
    message.writeUInt8(kind, at);
    message.writeUInt32BE(id, at + 1);
    message.writeUInt32BE(value, at + 5);
    message.writeUInt32BE(payload.length, at + 9);
    message.set(payload, at + frameHeadBytes);
    at += frameHeadBytes + payload.length;
  }
  return message;
}

/**
 * Reads the frames of a message, all or none. Payloads share its memory.
 * @throws {RelayError} `frame-malformed`
 */
export function decodeNodeFrames(message: Buffer): NodeFrame[] {
  const frames: NodeFrame[] = [];
  let at = 0;
  while (at < message.length) {
    if (message.length - at < frameHeadBytes) throw malformed();
    const [kind, id, value] = [message.readUInt8(at), message.readUInt32BE(at + 1), message.readUInt32BE(at + 5)];
    const end = at + frameHeadBytes + message.readUInt32BE(at + 9);
    if (end > message.length || !isKind(kind)) throw malformed();
    frames.push({ kind, id, value, payload: message.subarray(at + frameHeadBytes, end) });
    at = end;
  }
  return frames;
}

function isKind(kind: number): kind is NodeFrameKind {
  return kind >= nodeFrameKind.request && kind <= nodeFrameKind.refusal;
}

function malformed(): RelayError {
  return new RelayError('frame-malformed', 'These bytes are no frames of nodes: do both run the same version?');
}
