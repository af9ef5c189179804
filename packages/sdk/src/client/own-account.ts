import type { DeviceId, UserId } from '../ports/ids.ts';

/** Who this client is. */
export interface OwnAccount {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** E.164. */
  readonly number: string;
  readonly username: string;
}
