import type { DeviceAddress } from '../../ports/ids.ts';
import type { MailEntry, MailReader } from '../../ports/mailbox.ts';

/** Reads on for a reader. */
export type ReadFor = (reader: EmbeddedReader, limit: number, now: number) => Promise<readonly MailEntry[]>;

/** Where one walk through a mailbox stands. One for each connection, idle ones included: so it holds next to nothing. */
export class EmbeddedReader implements MailReader {
  readonly device: DeviceAddress;
  /** The number of the last row that was given. */
  given = 0;
  readonly #read: ReadFor;

  constructor(device: DeviceAddress, read: ReadFor) {
    this.device = device;
    this.#read = read;
  }

  next(limit: number, now: number): Promise<readonly MailEntry[]> {
    return this.#read(this, limit, now);
  }
}
