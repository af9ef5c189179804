import { appendFileSync, renameSync, statSync } from 'node:fs';

/** A file of so many bytes is set aside, and what was set aside before goes. */
const mostBytes = 8 * 1024 * 1024;

/** What a process of a soak writes, in all of its lives, as it comes: `NAME.txt` has the latest, and `NAME.old.txt` what came before. Together they take 16 MiB at most, and a little more than that for a moment. */
export class NodeLog {
  readonly #path: string;
  readonly #oldPath: string;
  readonly #mostBytes: number;

  constructor(parts: { readonly folder: string; readonly name: string; readonly mostBytes?: number }) {
    this.#path = `${parts.folder}/${parts.name}.txt`;
    this.#oldPath = `${parts.folder}/${parts.name}.old.txt`;
    this.#mostBytes = parts.mostBytes ?? mostBytes;
  }

  /** It is with the operating system when this returns: whoever looks from outside sees it, whatever this process does next. */
  write(text: string): void {
    appendFileSync(this.#path, text);
    if (statSync(this.#path).size >= this.#mostBytes) renameSync(this.#path, this.#oldPath);
  }
}
