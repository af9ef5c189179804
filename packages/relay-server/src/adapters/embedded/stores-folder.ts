import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary folder for the stores of one test. */
export class StoresFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'sotto-relay-'));
  /** Where the database is, once there is one. */
  readonly file = join(this.path, 'relay.db');

  /** Removes it with all that is in it. */
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}
