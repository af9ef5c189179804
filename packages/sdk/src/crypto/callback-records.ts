import type { RecordKeys, RecordKind, Records } from '../ports/changes.ts';
import type { EventFact } from '../ports/event-records.ts';
import type { Overlay } from './overlay.ts';

/**
 * What libsignal's callbacks read from and write to.
 *
 * libsignal makes an error of its own out of what a callback throws. A store that fails must not look like a message that can't be opened, so its error is kept here.
 */
export class CallbackRecords {
  private readonly overlay: Overlay;
  private failure: { readonly error: unknown } | undefined;

  constructor(overlay: Overlay) {
    this.overlay = overlay;
  }

  async get<Kind extends RecordKind>(kind: Kind, key: RecordKeys[Kind]): Promise<Records[Kind] | undefined> {
    try {
      return await this.overlay.get(kind, key);
    } catch (error) {
      this.failure ??= { error };
      throw error;
    }
  }

  put<Kind extends RecordKind>(kind: Kind, record: Records[Kind]): void {
    this.overlay.put(kind, record);
  }

  delete<Kind extends RecordKind>(kind: Kind, key: RecordKeys[Kind]): void {
    this.overlay.delete(kind, key);
  }

  record(fact: EventFact): void {
    this.overlay.record(fact);
  }

  /** Throws what the store threw, if it did. */
  rethrow(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}
