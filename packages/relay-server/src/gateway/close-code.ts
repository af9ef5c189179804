import type { StreamEnd } from '../dispatch/connected-devices.ts';

/** Why a stream ends: RFC 6455 section 7.4.1, and our own from 4001 as docs/protocol.md lists them. */
export const closeCode = {
  /** 1009: a message over the limit. */
  tooLarge: 1009,
  /** 1011: the relay failed; mail is safe. */
  failed: 1011,
  /** 1012: the relay is going down, or wants the client to connect anew. */
  drained: 1012,
  replaced: 4001,
  protocolBroken: 4002,
  sessionEnded: 4003,
  silent: 4004,
  slow: 4005,
} as const;

export type CloseCode = (typeof closeCode)[keyof typeof closeCode];

/** How a stream is closed that the rest of the relay ends, and what its client is told. */
export const closeOf: Readonly<Record<StreamEnd, readonly [CloseCode, string]>> = {
  replaced: [closeCode.replaced, 'replaced by another stream of this device'],
  'session-ended': [closeCode.sessionEnded, 'the session has ended'],
  reconnect: [closeCode.drained, 'connect again'],
  failed: [closeCode.failed, 'the relay failed; nothing is lost'],
};
