/**
 * One thing that a process did or saw, as it wrote it down.
 *
 * `at` is monotonic and common to all processes of one machine, in nanoseconds. `sender` and `receiver` name devices, `chat` a conversation (the same name on every side), `message` a message: any names of yours, as long as a message's is its own within the chat.
 *
 * What each stands for when the process is killed right after it, or right before:
 * - `send-invoke` is written before `send` is called: without it there was no call.
 * - `send-result` is written after `send` has answered: with it the program knew. An invoke without a result may or may not have been stored.
 * - `address` says for whom a message is, where that is not everybody who has a history of the chat: in a group whose members come and go, those who were members when it was sealed. A message of which there is none is for everybody.
 * - `fail` is written when the sender was told that the message could not be sent.
 * - `apply` is written after the receiver's commit; `ack` before the acknowledgement leaves; `deliver` when the program has handled the event, before it asks for the next one; `expire` when it was told that the message will not come any more; `drop` after a commit by which the receiver removed it again, as it may: of what strangers send only the latest is kept.
 */
export type Action =
  | ({ readonly type: 'send-invoke' } & OfMessage)
  /** `accepted`: it will arrive. `refused`: it was not stored and never will be. `unknown`: an error that leaves it open. */
  | ({ readonly type: 'send-result'; readonly outcome: SendOutcome } & OfMessage)
  | ({ readonly type: 'expire' | 'fail' } & OfMessage)
  /** `receivers` have to have it in the end; `others` may have it; nobody else but its sender may. Of several the last one counts, and whoever an earlier one named may have it, too. */
  | ({
      readonly type: 'address';
      readonly receivers: readonly string[];
      readonly others: readonly string[];
    } & OfMessage)
  | ({ readonly type: 'apply' | 'ack' | 'drop'; readonly receiver: string } & OfMessage)
  /** `late`: the program was told that it comes after a later one. */
  | ({ readonly type: 'deliver'; readonly receiver: string; readonly late: boolean } & OfMessage);

export type SendOutcome = 'accepted' | 'refused' | 'unknown';

/** When, and which message. */
export interface OfMessage {
  readonly at: bigint;
  readonly sender: string;
  readonly chat: string;
  readonly message: string;
}

/** What one device holds of one chat in the end, in the order in which it shows it: own messages and others'. */
export interface DeviceHistory {
  readonly device: string;
  readonly chat: string;
  /** Whether the device's program writes `deliver` for each message that comes: then one that was never told is an anomaly. */
  readonly listens: boolean;
  /** Of a device that was not there all the time. */
  readonly time?: DeviceTime;
  readonly messages: readonly HistoryEntry[];
}

/** When a device was one of its account, as `at` of actions: of what was sent then it has to have its part, and of what was sent at its edges it may. */
export interface DeviceTime {
  /** From here on it was one: what was sent before may have come to it or not. */
  readonly since: bigint;
  /** From here on it was none any more: of what was sent later nothing may be there, and of what was sent before nothing has to be. */
  readonly until?: bigint;
  /** What it had sent by then has left it, and has to arrive; of what it sent later any part may. Only of a device that has an `until`; undefined = nothing is known to have left. */
  readonly drained?: bigint;
  /** While nobody could encrypt for it: what left then may be there or not. */
  readonly absences?: readonly Span[];
}

/** From when to when, as `at` of actions. */
export interface Span {
  readonly from: bigint;
  readonly to: bigint;
}

/** A message in a history. */
export interface HistoryEntry {
  readonly message: string;
  readonly sender: string;
  /** It is flagged as one that came after a later one. */
  readonly late: boolean;
}
