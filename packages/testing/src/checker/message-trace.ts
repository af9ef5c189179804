import type { Action, SendOutcome } from './action.ts';

/** What one device wrote about one message. */
export interface DeviceTrace {
  applied: boolean;
  acked: boolean;
  /** It was removed again, as it may be. */
  dropped: boolean;
  /** When it was told first, and whether as late. */
  told: { readonly at: bigint; readonly late: boolean } | undefined;
  /** How often it was told after that. */
  replays: number;
}

/** For whom a message is. */
export interface Address {
  readonly at: bigint;
  /** Who has to have it. */
  readonly receivers: ReadonlySet<string>;
  /** Who may have it, those aside. */
  readonly others: ReadonlySet<string>;
}

/** All that was written about one message. */
export interface MessageTrace {
  readonly sender: string;
  readonly chat: string;
  readonly message: string;
  invokedAt: bigint | undefined;
  /** When `send` first said that it is stored. */
  acceptedAt: bigint | undefined;
  /** When the first device wrote of it: it had left its sender by then. */
  seenAt: bigint | undefined;
  outcome: SendOutcome | undefined;
  expired: boolean;
  failed: boolean;
  /** For whom it is; undefined = for everybody. */
  address: Address | undefined;
  readonly devices: Map<string, DeviceTrace>;
}

/** The traces of all messages, by chat, sender and name. */
export class MessageTraces {
  readonly #chats = new Map<string, Map<string, MessageTrace>>();

  /** Those of all messages, in the order in which they were met. */
  *all(): Generator<MessageTrace> {
    for (const traces of this.#chats.values()) yield* traces.values();
  }

  find(chat: string, sender: string, message: string): MessageTrace | undefined {
    return this.#chats.get(chat)?.get(keyOf(sender, message));
  }

  /** The trace of a message; made when nothing was written about it yet. */
  of({ chat, sender, message }: Pick<MessageTrace, 'chat' | 'sender' | 'message'>): MessageTrace {
    const traces = this.#chats.get(chat) ?? new Map<string, MessageTrace>();
    this.#chats.set(chat, traces);
    const key = keyOf(sender, message);
    const known = traces.get(key);
    if (known !== undefined) return known;
    const trace = newTrace(chat, sender, message);
    traces.set(key, trace);
    return trace;
  }

  add(action: Action): void {
    const trace = this.of(action);
    switch (action.type) {
      case 'send-invoke':
        // The same message may be sent again after a crash: it was on its way since the first time.
        if (trace.invokedAt === undefined || action.at < trace.invokedAt) trace.invokedAt = action.at;
        break;
      case 'send-result':
        addResult(trace, action.outcome, action.at);
        break;
      case 'expire':
        trace.expired = true;
        break;
      case 'fail':
        trace.failed = true;
        break;
      case 'address':
        trace.address = later(trace.address, action);
        break;
      default:
        if (trace.seenAt === undefined || action.at < trace.seenAt) trace.seenAt = action.at;
        addSight(deviceTrace(trace, action.receiver), action);
    }
  }
}

function keyOf(sender: string, message: string): string {
  return `${sender}\n${message}`;
}

function newTrace(chat: string, sender: string, message: string): MessageTrace {
  return {
    sender,
    chat,
    message,
    invokedAt: undefined,
    acceptedAt: undefined,
    seenAt: undefined,
    outcome: undefined,
    expired: false,
    failed: false,
    address: undefined,
    devices: new Map(),
  };
}

/** The last one says who has to have it; all together say who may. */
function later(known: Address | undefined, { at, receivers, others }: Action & { readonly type: 'address' }): Address {
  const made = { at, receivers: new Set(receivers), others: new Set(others) };
  if (known === undefined) return made;
  const [before, after] = known.at < at ? [known, made] : [made, known];
  return { ...after, others: new Set([...before.receivers, ...before.others, ...after.others]) };
}

/** Once it was accepted it stays so; what was refused and tried again is what the last try says. */
function addResult(trace: MessageTrace, outcome: SendOutcome, at: bigint): void {
  if (outcome === 'accepted') {
    if (trace.acceptedAt === undefined || at < trace.acceptedAt) trace.acceptedAt = at;
    trace.outcome = 'accepted';
  } else if (trace.outcome !== 'accepted') {
    // A try that was left open stays open, whatever a later one says.
    trace.outcome = trace.outcome === 'unknown' ? 'unknown' : outcome;
  }
}

function deviceTrace(trace: MessageTrace, device: string): DeviceTrace {
  const known = trace.devices.get(device);
  if (known !== undefined) return known;
  const made: DeviceTrace = { applied: false, acked: false, dropped: false, told: undefined, replays: 0 };
  trace.devices.set(device, made);
  return made;
}

function addSight(device: DeviceTrace, action: Action & { readonly type: 'apply' | 'ack' | 'drop' | 'deliver' }): void {
  if (action.type === 'apply') device.applied = true;
  if (action.type === 'ack') device.acked = true;
  if (action.type === 'drop') device.dropped = true;
  if (action.type !== 'deliver') return;
  if (device.told !== undefined) device.replays++;
  if (device.told === undefined || action.at < device.told.at) device.told = { at: action.at, late: action.late };
}
