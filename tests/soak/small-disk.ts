import { execFileSync } from 'node:child_process';
import { closeSync, cpSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const mebibyte = 1024 * 1024;
const pieces = [8 * mebibyte, 64 * 1024, 4096];

/** A small file system in memory that can be filled. Mounting it needs root. */
export class SmallDisk {
  readonly path: string;
  #isMounted = true;

  private constructor(path: string) {
    this.path = path;
  }

  /** Mounts one at a path; undefined where this user may not. */
  static mount(path: string, mebibytes: number): SmallDisk | undefined {
    mkdirSync(path, { recursive: true });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=700`, 'tmpfs', path], { stdio: 'pipe' });
    } catch (error) {
      console.error(`soak: no small disk can be mounted here: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
    return new SmallDisk(path);
  }

  /** Leaves no byte free. */
  fill(): void {
    // It is the machine's disk that would be filled.
    if (!this.#isMounted) return;
    const file = openSync(this.#ballast, 'a');
    try {
      for (const size of pieces) this.#fillWith(file, Buffer.alloc(size));
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** Takes it away, with all that is on it: for good when the last process that was killed has let go of it. */
  unmount(): void {
    this.#isMounted = false;
    execFileSync('umount', ['-l', this.path], { stdio: 'pipe' });
  }

  /** Takes it away, and leaves what is on it in its place. */
  keep(): void {
    const copy = `${this.path}-kept`;
    cpSync(this.path, copy, { recursive: true });
    this.unmount();
    rmSync(this.path, { recursive: true });
    renameSync(copy, this.path);
  }

  get #ballast(): string {
    return join(this.path, 'ballast');
  }

  #fillWith(file: number, piece: Buffer): void {
    try {
      while (writeSync(file, piece) === piece.length);
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOSPC') throw error;
    }
  }
}
