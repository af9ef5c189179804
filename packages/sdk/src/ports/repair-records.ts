import type { DeviceId, MessageId, UserId } from './ids.ts';

/** How often an own message, or an answer that stood for others, was sent again because a device asked for it. */
export interface ResendRecord {
  readonly messageId: MessageId;
  /** Who asked. */
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly count: number;
  /** When last. */
  readonly at: number;
  /** What it said would not come: of an answer to a request for what is no message of the history, the newest first. At most 8. */
  readonly replaces: readonly MessageId[];
}

/** What repair did with one device of somebody in an hour: bounds what a flood can cause. */
export interface RepairRecord {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** When the hour began. */
  readonly since: number;
  /** How many messages it was asked to send again. */
  readonly requests: number;
  /** How many messages were sent again because it asked. */
  readonly resends: number;
  /** How many sessions with it were put aside for new ones. */
  readonly renewals: number;
  /** How often receipts to it were sent again. */
  readonly receipts: number;
}
