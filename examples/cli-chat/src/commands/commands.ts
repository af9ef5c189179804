import type { Command, CommandOutput, CommandScene } from './command.ts';
import { CommandError, readCommandLine } from './command-line.ts';
import { deviceCommands } from './device-commands.ts';
import { groupCommands } from './group-commands.ts';
import { peopleCommands } from './people-commands.ts';

const commands: Readonly<Record<string, Command>> = { ...groupCommands, ...peopleCommands, ...deviceCommands };

/**
 * Does what was typed behind a colon.
 * @throws {CommandError} for whoever typed it, and what the SDK throws
 */
export async function runCommand(scene: CommandScene, line: string): Promise<CommandOutput> {
  const { name, words } = readCommandLine(line);
  if (name === 'help' || name === '') return help();
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new CommandError(`there is no command :${name}: see :help`);
  return command.run(scene, words);
}

function help(): CommandOutput {
  const all = Object.values(commands);
  const width = Math.max(...all.map(({ usage }) => usage.length));
  return { title: 'Commands', lines: all.map(({ usage, says }) => `${usage.padEnd(width)}  ${says}`) };
}
