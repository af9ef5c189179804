import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, rounded } from './quantile.ts';

/** A folder on disk for as long as a bench runs. */
export class TempFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'sotto-bench-'));

  /** How long an fsync of 4 KiB takes here, in milliseconds: the median of fifty. What is durable can't be faster. */
  fsyncMs(): number {
    const file = openSync(join(this.path, 'fsync'), 'w');
    const page = new Uint8Array(4_096).fill(1);
    const times = Array.from({ length: 50 }, () => {
      const began = performance.now();
      writeSync(file, page);
      fsyncSync(file);
      return performance.now() - began;
    });
    closeSync(file);
    return rounded(median(times));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
