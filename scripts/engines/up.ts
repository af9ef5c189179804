import { randomBytes, randomUUID } from 'node:crypto';
import { allEngines } from './all-engines.ts';
import type { Engine, EngineSetting } from './engine.ts';
import type { ShapeAsked } from './engine-command.ts';
import { EngineFolder, type FolderMade } from './engine-folder.ts';
import { type EngineName, engineNames } from './engine-name.ts';
import { type EngineProgram, lastLines, startProcess } from './engine-process.ts';
import { conflictOf, defaultShape, type EngineMember, type EngineShape, membersOf, portsOf } from './engine-shape.ts';
import type { Installer } from './installed-programs.ts';
import { lateAdvice } from './late-advice.ts';
import { probed } from './probe.ts';
import { linuxProcesses, runs } from './process-identity.ts';
import { takenPorts } from './taken-ports.ts';

/** What a command of engines works with. */
export interface EngineWork {
  readonly folder: EngineFolder;
  readonly installer: Installer;
  say(line: string): void;
}

/**
 * Brings the engines up: installs what is missing, starts what does not run, and waits until each has answered.
 *
 * Engines that can't be brought up hold up no other. Nothing is started when a port is taken, or when the folder holds the data of
 * another shape.
 * @returns whether all of them answer
 */
export async function bringUp(work: EngineWork, only: readonly EngineName[], asked: ShapeAsked): Promise<boolean> {
  const { folder, say } = work;
  const known = folder.made();
  if (known !== undefined && known.kafkaPassword === undefined) {
    say(`${folder.path} was made by an older version: end and wipe it (down --wipe) first, or take another --folder`);
    return false;
  }
  const conflict = known === undefined ? undefined : conflictOf(asked, known.shape);
  if (conflict !== undefined) {
    say(`${folder.path} was made with ${conflict}: end and wipe it (down --wipe) first, or take another --folder`);
    return false;
  }
  const made = known ?? newlyMade(asked);
  const missing = membersOf(made.shape).filter((member) => only.includes(member.engine) && !isUp(member, folder));
  const problems = await takenPorts(missing.flatMap(portsOf));
  for (const problem of problems) say(problem);
  if (problems.length > 0) {
    say('nothing was started: end what listens there, or take other ports with --ports BASE');
    return false;
  }
  folder.writeMade(made);
  const answers = await Promise.all(
    only.map((name) => bringOneUp(work, allEngines[name], settingOf(name, folder, made))),
  );
  const isEachUp = answers.every((isAnswering) => isAnswering);
  writeAddresses(folder, made, new Set(only.filter((_, at) => answers[at])), new Set(only));
  if (missing.length === 0 && isEachUp) say('they were up already');
  if (isEachUp) say(`up; addresses and passwords are in ${EngineFolder.shown(folder.addresses, process.cwd())}`);
  else say('not all are up: the reasons stand above');
  return isEachUp;
}

/** What an engine works with. */
export function settingOf(name: EngineName, folder: EngineFolder, made: FolderMade): EngineSetting {
  return { folder, made, members: membersOf(made.shape).filter(({ engine }) => engine === name) };
}

/** Whether a member was started here and runs still. */
export function isUp(member: EngineMember, folder: EngineFolder): boolean {
  const identity = folder.started()[member.name];
  return identity !== undefined && runs(identity, linuxProcesses);
}

/**
 * Writes engines.json: those that answer, and those that were not looked at, stood in it and run.
 */
export function writeAddresses(
  folder: EngineFolder,
  made: FolderMade,
  answering: ReadonlySet<EngineName>,
  looked: ReadonlySet<EngineName>,
): void {
  const before = folder.addressed();
  const there = engineNames.filter((name) => {
    if (looked.has(name)) return answering.has(name);
    return before.has(name) && settingOf(name, folder, made).members.every((member) => isUp(member, folder));
  });
  const entries: [string, object][] = there.map((name) => [
    name,
    allEngines[name].addresses(settingOf(name, folder, made)),
  ]);
  if (made.shape.isProxied && entries.length > 0) entries.push(['proxies', proxiesOf(made.shape)]);
  if (entries.length > 0) folder.writeAddresses(Object.fromEntries(entries));
  else folder.removeAddresses();
}

/** What proxies have to listen to, and where each leads. */
function proxiesOf(shape: EngineShape): readonly object[] {
  return membersOf(shape).map(({ name, host, far }) => ({
    member: name,
    listen: far,
    target: { host, port: far.port },
  }));
}

async function bringOneUp(work: EngineWork, engine: Engine, setting: EngineSetting): Promise<boolean> {
  const { installer, say } = work;
  const began = performance.now();
  try {
    const programOf = await engine.install(installer);
    const start = (member: EngineMember) => startMember(work, member, () => programOf(member, setting));
    if (engine.isStartedOneByOne) {
      for (const member of setting.members) {
        await start(member);
        await untilAnswered(engine, member, setting);
      }
    } else {
      for (const member of setting.members) await start(member);
      for (const member of setting.members) await untilAnswered(engine, member, setting);
    }
    const said = await untilDone(
      () => engine.attempt(setting),
      60_000,
      () => undefined,
    );
    const seconds = Math.round((performance.now() - began) / 1000);
    say(`${engine.name}: ${engine.shown(setting)}: ${said} (${seconds} s)`);
    return true;
  } catch (error) {
    say(`${engine.name}: FAILED: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

async function startMember(
  { folder, say }: EngineWork,
  member: EngineMember,
  ready: () => Promise<EngineProgram>,
): Promise<void> {
  if (isUp(member, folder)) return;
  const identity = await startProcess(await ready());
  folder.writeStarted({ ...folder.started(), [member.name]: identity });
  const log = EngineFolder.shown(folder.log(member.name), process.cwd());
  say(`${member.name}: started as process ${identity.pid}, which logs to ${log}`);
}

/** @throws when it ends, or does not answer in time */
async function untilAnswered(engine: Engine, member: EngineMember, setting: EngineSetting): Promise<void> {
  const { folder } = setting;
  try {
    await untilDone(
      () => engine.ask(member, setting),
      engine.answerMs,
      () => {
        if (isUp(member, folder)) return;
        throw new Error(`${member.name} has ended. It said last:\n${lastLines(folder.log(member.name))}`);
      },
    );
  } catch (error) {
    if (!isUp(member, folder)) throw error;
    throw new Error(lateAdvice(member.name, EngineFolder.shown(folder.log(member.name), process.cwd()), error), {
      cause: error,
    });
  }
}

/** Tries until it is done; `check` may throw in between. */
async function untilDone(ask: () => Promise<string>, limitMs: number, check: () => void): Promise<string> {
  const until = performance.now() + limitMs;
  for (;;) {
    check();
    try {
      return await probed(ask, 30_000);
    } catch (error) {
      if (performance.now() > until) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`it does not answer for ${limitMs / 1000} s: ${reason}`, { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function newlyMade(asked: ShapeAsked): FolderMade {
  return {
    shape: { ...defaultShape, ...asked },
    // Sixteen bytes as Kafka writes them. An option may not begin with "-".
    kafkaClusterId: Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url').replace(/^-/, 'A'),
    kafkaPassword: randomBytes(24).toString('hex'),
    kafkaStorePassword: randomBytes(24).toString('hex'),
    redisPassword: randomBytes(24).toString('hex'),
    s3AccessKeyId: randomBytes(10).toString('hex'),
    s3SecretAccessKey: randomBytes(24).toString('hex'),
  };
}
