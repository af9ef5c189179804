import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  accessSync,
  constants,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { withLock } from './folder-lock.ts';

/** How engines are got: nothing here names where from, that is for the package managers' own settings. */
export interface Installer {
  readonly cache: string;
  readonly env: NodeJS.ProcessEnv;
  /** Where the output of the package managers goes. */
  log(name: string): string;
  say(line: string): void;
}

/** The version of versitygw, as `go install` takes it. Redis is the one that Debian has; the others stand in their pom.xml. */
export const versitygwVersion = 'v1.7.0';

const limitMs = 25 * 60_000;

/**
 * The folder with the jars of a pom.xml and of all that they need. Downloads them once.
 * @throws what is missing, or what Maven said last
 */
export async function installedJars(name: string, pom: string, installer: Installer): Promise<string> {
  const { cache, env, say } = installer;
  if (programOf('java', env) === undefined) throw new Error('java is not installed: it needs Java 17');
  const print = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12);
  const folder = join(cache, `${name}-${print}`);
  if (existsSync(folder)) return folder;
  if (programOf('mvn', env) === undefined) throw new Error('mvn is not installed: Maven downloads the jars');
  say(`${name}: downloading its jars, once ...`);
  // Two Mavens at once write into the same repository.
  await withLock(
    join(cache, 'maven.lock'),
    limitMs,
    () => undefined,
    async () => {
      const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime'];
      const maven = (part: string) => [
        '-B',
        '-q',
        '-ntp',
        ...repository(),
        '-f',
        pom,
        ...goal,
        `-DoutputDirectory=${part}`,
      ];
      await whole(folder, (part) => run('mvn', maven(part), env, installer.log(name)));
    },
  );
  return folder;
}

/**
 * The path of versitygw. Builds it once, with Go.
 * @throws what is missing, or what Go said last
 */
export async function installedVersitygw(installer: Installer): Promise<string> {
  const { cache, env, say } = installer;
  const folder = join(cache, `versitygw-${versitygwVersion}`);
  const program = join(folder, 'versitygw');
  if (existsSync(program)) return program;
  if (programOf('go', env) === undefined) throw new Error('go is not installed: Go 1.25 or newer builds versitygw');
  say('s3: building versitygw, once, which takes minutes ...');
  const sources = join(cache, 'go');
  await whole(folder, async (part) => {
    const settings = {
      ...env,
      GOBIN: part,
      GOPATH: sources,
      // Otherwise the sources are read-only, and neither they nor a home that they are in can be removed.
      GOFLAGS: `${env.GOFLAGS ?? ''} -modcacherw`.trim(),
    };
    const source = `github.com/versity/versitygw/cmd/versitygw@${versitygwVersion}`;
    await run('go', ['install', source], settings, installer.log('s3'));
  });
  rmSync(sources, { recursive: true, force: true });
  return program;
}

/**
 * The path of redis-server; Debian's, where it is missing.
 * @throws what is missing, or what apt-get said last
 */
export async function installedRedis(installer: Installer): Promise<string> {
  const { env, say } = installer;
  const found = programOf('redis-server', env);
  if (found !== undefined) return found;
  if (programOf('apt-get', env) === undefined) {
    throw new Error('redis-server is not installed, and apt-get is not there to get it: install Redis 7');
  }
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && programOf('sudo', env) === undefined) {
    throw new Error('redis-server is not installed, which takes root: apt-get install redis-server');
  }
  say("redis: installing Debian's redis-server ...");
  const log = installer.log('redis');
  const apt = async (...args: string[]) => {
    const command = ['apt-get', '-o', 'DPkg::Lock::Timeout=120', '-qq', ...args];
    const settings = ['env', 'DEBIAN_FRONTEND=noninteractive', ...command];
    const [program = '', ...rest] = isRoot ? settings : ['sudo', '-n', ...settings];
    await run(program, rest, env, log);
  };
  await apt('update');
  await apt('install', '-y', '--no-install-recommends', 'redis-server');
  const installed = programOf('redis-server', env);
  if (installed === undefined) throw new Error('redis-server was installed, but is not on the PATH');
  return installed;
}

/** Java asks the operating system for the home folder, not HOME: where somebody has set another one, downloads belong there. */
function repository(): readonly string[] {
  return homedir() === userInfo().homedir ? [] : [`-Dmaven.repo.local=${join(homedir(), '.m2', 'repository')}`];
}

/** Where a program is on the PATH; undefined if nowhere. */
export function programOf(name: string, env: NodeJS.ProcessEnv): string | undefined {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = join(folder === '' ? '.' : folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}

/** The folder is there with all that belongs into it, or not at all: an installation may be cut short, and two may run at once. */
async function whole(folder: string, fill: (part: string) => Promise<void>): Promise<void> {
  const part = `${folder}.${randomBytes(6).toString('hex')}`;
  mkdirSync(part, { recursive: true });
  try {
    if (existsSync(folder)) return;
    await fill(part);
    if (!existsSync(folder)) renameSync(part, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

/** @throws the last lines of what the command said, if it doesn't end well, or not in time */
async function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv, log: string): Promise<void> {
  const output = createWriteStream(log, { flags: 'a', mode: 0o600 });
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output.write(text);
      said.push(text);
    });
  }
  const status = await new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 1));
  });
  output.end();
  await finished(output);
  if (status === 0) return;
  const last = said.join('').trimEnd().split('\n').slice(-8).join('\n');
  throw new Error(`${command} ended with ${status}:\n${last}`);
}
