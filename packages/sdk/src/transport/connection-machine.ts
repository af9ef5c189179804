import type { ConnectionState, EndReason, OfflineReason } from './connection-state.ts';

/** Where a connection stands. `renewed` = the token was replaced in this try, without a wait since. */
export type MachineState =
  | { readonly phase: 'stopped' | 'replaced' | 'ended' }
  | { readonly phase: 'waiting' | 'authorizing'; readonly tries: Tries }
  | { readonly phase: 'connecting' | 'greeting'; readonly tries: Tries }
  | {
      readonly phase: 'open';
      readonly tries: Tries;
      readonly live: boolean;
      readonly pinged: boolean;
      readonly heartbeatMs: number;
      readonly drainMs: number | undefined;
    }
  | { readonly phase: 'stopping'; readonly again: boolean };

/** What went wrong since a connection was last stable. */
export interface Tries {
  readonly failures: number;
  readonly renewed: boolean;
}

export type MachineTimer = 'retry' | 'deadline' | 'heartbeat' | 'answer' | 'stable';

/** What happens to a connection. */
export type MachineInput =
  | { readonly type: 'start' | 'wake' | 'stop' }
  | { readonly type: 'authorized' }
  | { readonly type: 'not-authorized'; readonly reason: OfflineReason; readonly waitMs: number }
  | { readonly type: 'session-ended'; readonly reason: EndReason }
  | { readonly type: 'socket-opened' }
  | { readonly type: 'socket-closed'; readonly code: number; readonly status: number | undefined }
  | { readonly type: 'hello'; readonly idleTimeoutMs: number }
  | { readonly type: 'unsupported' }
  /** The relay, or who handles what it sends, broke the rules. */
  | { readonly type: 'broke'; readonly reason: OfflineReason }
  | { readonly type: 'heard' }
  | { readonly type: 'queue-empty' }
  | { readonly type: 'drain'; readonly retryAfterMs: number }
  | { readonly type: 'timer'; readonly timer: MachineTimer };

/** What is to be done, in order. */
export type MachineEffect =
  /** Get a token; a new one when the last was refused. */
  | { readonly type: 'authorize'; readonly replace: boolean }
  | { readonly type: 'connect' | 'greet' | 'opened' | 'ping' }
  /** Start the closing handshake. */
  | { readonly type: 'close' }
  /** Forget the token asked for and the socket, ended at once. */
  | { readonly type: 'drop' }
  | { readonly type: 'set-timer'; readonly timer: MachineTimer; readonly ms: number }
  | { readonly type: 'clear-timer'; readonly timer: MachineTimer }
  | { readonly type: 'clear-timers' }
  /** Set the `retry` timer to `floorMs` and a random part of `spreadMs`, and announce `offline`. */
  | { readonly type: 'retry'; readonly floorMs: number; readonly spreadMs: number; readonly reason: OfflineReason }
  | { readonly type: 'announce'; readonly state: ConnectionState; readonly reason?: EndReason };

export interface MachineStep {
  readonly state: MachineState;
  readonly effects: readonly MachineEffect[];
}

const firstSpreadMs = 500;
const longestSpreadMs = 60_000;
const longestFloorMs = 600_000;
const connectMs = 30_000;
const helloMs = 15_000;
const answerMs = 10_000;
const stableMs = 30_000;
const closingMs = 2_000;
const shortestHeartbeatMs = 1_000;
const longestHeartbeatMs = 60_000;
const noTries: Tries = { failures: 0, renewed: false };

export const initialState: MachineState = { phase: 'stopped' };

/** The next state of a connection and what to do: no clock, no randomness, nothing else is looked at. */
export function stepConnection(state: MachineState, input: MachineInput): MachineStep {
  switch (input.type) {
    case 'start':
      return start(state);
    case 'wake':
      return wake(state);
    case 'stop':
      return stop(state);
    case 'authorized':
      return state.phase === 'authorizing' ? connect(state.tries) : stay(state);
    case 'not-authorized':
      return state.phase === 'authorizing' ? retry(state.tries, input.reason, input.waitMs) : stay(state);
    case 'session-ended':
      return state.phase === 'authorizing' ? settle('ended', input.reason) : stay(state);
    case 'socket-opened':
      return state.phase === 'connecting' ? greet(state.tries) : stay(state);
    case 'socket-closed':
      return closed(state, input.code, input.status);
    case 'hello':
      return state.phase === 'greeting' ? open(state.tries, input.idleTimeoutMs) : broke(state, 'misbehaved');
    case 'unsupported':
      return hasSocket(state) ? retry({ ...state.tries, failures: 16 }, 'protocol-unsupported') : stay(state);
    case 'broke':
      return broke(state, input.reason);
    case 'heard':
      return state.phase === 'open' && state.pinged
        ? { state: { ...state, pinged: false }, effects: [{ type: 'clear-timer', timer: 'answer' }] }
        : stay(state);
    case 'queue-empty':
      return state.phase === 'open' && !state.live
        ? { state: { ...state, live: true }, effects: [{ type: 'announce', state: 'live' }] }
        : stay(state);
    case 'drain':
      return state.phase === 'open'
        ? { state: { ...state, drainMs: Math.min(input.retryAfterMs, longestFloorMs) }, effects: [] }
        : stay(state);
    case 'timer':
      return timer(state, input.timer);
  }
}

type WithSocket = Exclude<
  MachineState,
  { phase: 'stopped' | 'replaced' | 'ended' | 'waiting' | 'authorizing' | 'stopping' }
>;

function hasSocket(state: MachineState): state is WithSocket {
  return state.phase === 'connecting' || state.phase === 'greeting' || state.phase === 'open';
}

function stay(state: MachineState): MachineStep {
  return { state, effects: [] };
}

function start(state: MachineState): MachineStep {
  if (state.phase === 'stopping') return stay({ ...state, again: true });
  const idle = state.phase === 'stopped' || state.phase === 'replaced' || state.phase === 'ended';
  return idle ? authorize(noTries, false) : stay(state);
}

function wake(state: MachineState): MachineStep {
  if (state.phase === 'replaced') return authorize(noTries, false);
  if (state.phase === 'waiting') return authorize({ ...state.tries, failures: 0 }, false);
  return state.phase === 'open' ? ping(state) : stay(state);
}

function stop(state: MachineState): MachineStep {
  if (state.phase === 'stopped') return stay(state);
  if (state.phase === 'stopping') return stay({ ...state, again: false });
  if (state.phase !== 'open') return settle('stopped');
  return {
    state: { phase: 'stopping', again: false },
    effects: [{ type: 'clear-timers' }, { type: 'close' }, { type: 'set-timer', timer: 'deadline', ms: closingMs }],
  };
}

function authorize(tries: Tries, replace: boolean): MachineStep {
  return {
    state: { phase: 'authorizing', tries: replace ? { ...tries, renewed: true } : tries },
    effects: [
      { type: 'clear-timers' },
      { type: 'drop' },
      { type: 'announce', state: 'connecting' },
      { type: 'authorize', replace },
    ],
  };
}

function connect(tries: Tries): MachineStep {
  return {
    state: { phase: 'connecting', tries },
    effects: [{ type: 'set-timer', timer: 'deadline', ms: connectMs }, { type: 'connect' }],
  };
}

function greet(tries: Tries): MachineStep {
  return {
    state: { phase: 'greeting', tries },
    effects: [{ type: 'set-timer', timer: 'deadline', ms: helloMs }, { type: 'greet' }],
  };
}

function open(tries: Tries, idleTimeoutMs: number): MachineStep {
  const half = idleTimeoutMs > 0 ? idleTimeoutMs / 2 : longestHeartbeatMs;
  const heartbeatMs = Math.min(Math.max(half, shortestHeartbeatMs), longestHeartbeatMs);
  return {
    state: { phase: 'open', tries, live: false, pinged: false, heartbeatMs, drainMs: undefined },
    effects: [
      { type: 'clear-timer', timer: 'deadline' },
      { type: 'set-timer', timer: 'heartbeat', ms: heartbeatMs },
      { type: 'set-timer', timer: 'stable', ms: stableMs },
      { type: 'announce', state: 'catching-up' },
      { type: 'opened' },
    ],
  };
}

function ping(state: Extract<MachineState, { phase: 'open' }>): MachineStep {
  const beat: MachineEffect = { type: 'set-timer', timer: 'heartbeat', ms: state.heartbeatMs };
  if (state.pinged) return { state, effects: [beat] };
  return {
    state: { ...state, pinged: true },
    effects: [beat, { type: 'set-timer', timer: 'answer', ms: answerMs }, { type: 'ping' }],
  };
}

function closed(state: MachineState, code: number, status: number | undefined): MachineStep {
  if (state.phase === 'stopping') return state.again ? authorize(noTries, false) : settle('stopped');
  if (!hasSocket(state)) return stay(state);
  const fallback: OfflineReason = state.phase === 'connecting' ? 'unreachable' : 'broken';
  if (code === 4001) return settle('replaced');
  // Whether the session is over is for the token service to say: it is asked for a new token.
  if (code === 4003 || status === 401) {
    return state.tries.renewed ? retry(state.tries, 'session-refused') : authorize(state.tries, true);
  }
  if (status !== undefined) return retry(state.tries, 'upgrade-refused');
  const drainMs = state.phase === 'open' ? state.drainMs : undefined;
  if (code === 1012 || drainMs !== undefined) return drained(state.tries, drainMs ?? 0);
  return retry(state.tries, reasonOf.get(code) ?? fallback);
}

const reasonOf: ReadonlyMap<number, OfflineReason> = new Map([
  [1003, 'misbehaved'],
  [1009, 'message-too-large'],
  [4002, 'protocol-broken'],
  [4004, 'silent'],
  [4005, 'too-slow'],
]);

function broke(state: MachineState, reason: OfflineReason): MachineStep {
  return hasSocket(state) ? retry(state.tries, reason) : stay(state);
}

function timer(state: MachineState, name: MachineTimer): MachineStep {
  if (name === 'retry') return state.phase === 'waiting' ? authorize(state.tries, false) : stay(state);
  if (name === 'deadline') {
    if (state.phase === 'stopping') return state.again ? authorize(noTries, false) : settle('stopped');
    return broke(state, 'timed-out');
  }
  if (state.phase !== 'open') return stay(state);
  if (name === 'heartbeat') return ping(state);
  if (name === 'answer') return retry(state.tries, 'silent');
  return stay({ ...state, tries: noTries });
}

/** Full jitter: anything from nothing up to a ceiling that doubles. */
function retry(tries: Tries, reason: OfflineReason, floorMs = 0): MachineStep {
  const spreadMs = Math.min(longestSpreadMs, firstSpreadMs * 2 ** Math.min(tries.failures, 16));
  return wait(
    // After the wait a refused token may be replaced once more: it may be that the relay could not be asked for another one.
    { failures: tries.failures + 1, renewed: false },
    { floorMs: Math.min(floorMs, longestFloorMs), spreadMs, reason },
  );
}

/** Many clients were told the same time: they come back spread over as long again. */
function drained(tries: Tries, retryAfterMs: number): MachineStep {
  const spreadMs = Math.min(longestSpreadMs, Math.max(retryAfterMs, firstSpreadMs));
  return wait(tries, { floorMs: retryAfterMs, spreadMs, reason: 'drain' });
}

function wait(tries: Tries, delay: { floorMs: number; spreadMs: number; reason: OfflineReason }): MachineStep {
  return {
    state: { phase: 'waiting', tries },
    effects: [{ type: 'clear-timers' }, { type: 'drop' }, { type: 'retry', ...delay }],
  };
}

function settle(phase: 'stopped' | 'replaced' | 'ended', reason?: EndReason): MachineStep {
  return {
    state: { phase },
    effects: [
      { type: 'clear-timers' },
      { type: 'drop' },
      { type: 'announce', state: phase, ...(reason === undefined ? {} : { reason }) },
    ],
  };
}
