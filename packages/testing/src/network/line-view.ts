import type { PartyTime } from '../time/world-time.ts';
import type { Activity } from './activity.ts';
import type { Direction, LineState, MessageFate, RequestFate } from './network-fault.ts';
import type { RelayPort } from './relay-port.ts';

/** What a line connects. */
export interface LineParts {
  readonly port: RelayPort;
  readonly activity: Activity;
  /** Delays run on it. */
  readonly time: PartyTime;
  /** The address that the relay sees. */
  readonly remoteAddress: string;
  /** Told of each message that a side sent and each fault that met one. */
  readonly witness: (event: string) => void;
}

/** What a stream or a request asks its line. */
export interface LineView {
  readonly parts: LineParts;
  readonly state: LineState;
  /** How long a message takes, in milliseconds. */
  delayOf(direction: Direction): number;
  /** What becomes of the message that arrives now. */
  fateOf(direction: Direction): MessageFate;
  fateOfRequest(): RequestFate;
}
