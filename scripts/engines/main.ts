import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readEngineCommand, usage } from './engine-command.ts';
import { cacheFolder, EngineFolder } from './engine-folder.ts';
import { withLock } from './folder-lock.ts';
import { harmMember } from './harm-member.ts';
import type { EngineWork } from './up.ts';

// Real Kafka, Cassandra, Redis and S3 on loopback, for the tests of the relay's cluster: docs/engines.md. Exits 0 when what was asked
// for is so, 1 when it is not, 2 when it is not understood.

const command = readEngineCommand(process.argv.slice(2));
const say = (line: string) => process.stdout.write(`engines: ${line}\n`);

if (command.type === 'help') {
  process.stdout.write(usage);
} else if (command.type === 'wrong') {
  process.stderr.write(`engines: ${command.message}\n\n${usage}`);
  process.exitCode = 2;
} else if (process.platform !== 'linux') {
  say(`they are run on Linux; this is ${process.platform}`);
  process.exitCode = 1;
} else {
  process.exitCode = (await carriedOut(resolve(command.folder ?? join(import.meta.dirname, '..', '..', '.engines'))))
    ? 0
    : 1;
}
// A client of a probe that was given up may hold the process.
process.exit();

async function carriedOut(path: string): Promise<boolean> {
  if (/[,:\\\n]/.test(path)) {
    say(`${path}: Java and Kafka take no folder with a comma, a colon or a backslash in its name`);
    return false;
  }
  const folder = new EngineFolder(path);
  const cache = cacheFolder(process.env);
  const installer = { cache, env: process.env, say, log: (name: string) => folder.log(`install-${name}`) };
  const work: EngineWork = { folder, installer, say };
  // The clients of the probes take seconds to load: faults of single processes do without.
  if (command.type === 'status') return (await import('./status.ts')).tellStatus(work);
  folder.make();
  mkdirSync(cache, { recursive: true });
  const waiting = () => say('another run is at work in this folder: waiting for it ...');
  try {
    return await withLock(folder.lock, 30 * 60_000, waiting, async () => {
      switch (command.type) {
        case 'up':
          return (await import('./up.ts')).bringUp(work, command.only, command.shape);
        case 'down':
          return (await import('./down.ts')).bringDown(work, command.only, command.isWiping);
        case 'kill':
        case 'pause':
        case 'resume':
          return harmMember(work, command.member, command.type);
        default:
          return false;
      }
    });
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return false;
  }
}
