import type { EngineFolder, FolderMade } from './engine-folder.ts';
import type { EngineName } from './engine-name.ts';
import type { EngineProgram } from './engine-process.ts';
import type { EngineMember } from './engine-shape.ts';
import type { Installer } from './installed-programs.ts';

/** What an engine is started with. */
export interface EngineSetting {
  readonly folder: EngineFolder;
  readonly made: FolderMade;
  /** The processes of this engine. */
  readonly members: readonly EngineMember[];
}

/** One of the engines of a relay that is a cluster. */
export interface Engine {
  readonly name: EngineName;
  /** Whether a process has to answer before the next one of its kind is started. */
  readonly isStartedOneByOne: boolean;
  /** How long a process may take until it answers. */
  readonly answerMs: number;
  /** How long it may take to end when it is asked to. */
  readonly graceMs: number;
  /**
   * Gets the program, if it is missing.
   * @returns what starts a member: writes its configuration, and makes its data ready
   * @throws what can't be got
   */
  install(installer: Installer): Promise<(member: EngineMember, setting: EngineSetting) => Promise<EngineProgram>>;
  /** Asks one process for something that only a working one has. */
  ask(member: EngineMember, setting: EngineSetting): Promise<string>;
  /** Writes and reads through all of them, and leaves nothing behind. */
  attempt(setting: EngineSetting): Promise<string>;
  /** Its part of engines.json. */
  addresses(setting: EngineSetting): object;
  /** Where it listens, for people: without passwords. */
  shown(setting: EngineSetting): string;
}
