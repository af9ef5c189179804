import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a registration was begun with. */
export interface Begun {
  readonly phone: string;
  readonly name: string;
  /** With a recovery key. That is asked for again, and not kept. */
  readonly recovers?: boolean;
}

/** What this app keeps beside the client's store. */
export interface Notes {
  /** Texts that were not sent yet, by chat. */
  readonly drafts: Readonly<Record<string, string>>;
  /** What a registration was begun with, to go on with it. */
  readonly registering: Begun | undefined;
  /** Whether somebody said that the recovery key is kept. */
  readonly recoveryKeySeen: boolean;
}

const empty: Notes = { drafts: {}, registering: undefined, recoveryKeySeen: false };

/** A small file of notes in the data folder, readable by its owner alone, replaced whole at each change: a crash leaves the old one or the new one. */
export class Notebook {
  private readonly path: string;
  private current: Notes;

  /** @throws when there is a file that can't be read */
  constructor(folder: string) {
    this.path = join(folder, 'cli-chat.json');
    this.current = readNotes(this.path);
  }

  get notes(): Notes {
    return this.current;
  }

  /** Changes some of it, on the disk too. */
  write(change: Partial<Notes>): void {
    this.current = { ...this.current, ...change };
    const next = `${this.path}.next`;
    writeFileSync(next, JSON.stringify(this.current), { mode: 0o600 });
    renameSync(next, this.path);
  }
}

function readNotes(path: string): Notes {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return empty;
    throw error;
  }
  return { ...empty, ...(JSON.parse(text) as Partial<Notes>) };
}
