import { type EngineName, engineNames } from './engine-name.ts';

/** How many processes each engine has, and where their ports begin. What is not given is what the folder was made with, or one and 19000. */
export interface ShapeAsked {
  readonly brokers?: 1 | 3;
  readonly nodes?: 1 | 3;
  readonly portBase?: number;
  readonly retentionMs?: number;
  readonly isProxied?: boolean;
}

/** What `npm run engines` was asked for. */
export type EngineCommand =
  | { readonly type: 'help' }
  | { readonly type: 'wrong'; readonly message: string }
  | {
      readonly type: 'up';
      readonly folder: string | undefined;
      readonly only: readonly EngineName[];
      readonly shape: ShapeAsked;
    }
  | {
      readonly type: 'down';
      readonly folder: string | undefined;
      readonly only: readonly EngineName[];
      readonly isWiping: boolean;
    }
  | { readonly type: 'status'; readonly folder: string | undefined }
  | { readonly type: MemberFault; readonly folder: string | undefined; readonly member: string };

/** What can be done to one process, to try what happens then. */
export const memberFaults = ['kill', 'pause', 'resume'] as const;

export type MemberFault = (typeof memberFaults)[number];

export const usage = `npm run engines -- up        Kafka, Cassandra, Redis and an S3 server on loopback; installs what is missing
npm run engines -- down      ends what up started; the data stays, for the next up
npm run engines -- status    which of them answer
npm run engines -- kill MEMBER     SIGKILL for one process, as kafka-2: up starts it again on its data
npm run engines -- pause MEMBER    SIGSTOP
npm run engines -- resume MEMBER   SIGCONT

  --folder DIR         configuration, data, logs and engines.json (.engines in the root of the repository)
  --only NAME,NAME     of kafka, cassandra, redis, s3 (up, down)
  --brokers 1|3        brokers of Kafka (up; 1)
  --nodes 1|3          nodes of Cassandra (up; 1)
  --ports BASE         the thousand ports that they listen on begin here (up; 19000)
  --retention-ms N     what Kafka keeps a record for in topics that do not say it themselves (up; 7 days)
  --proxied            clients are told addresses at which somebody else puts proxies (up)
  --wipe               removes the data as well (down)
`;

const takesOf: Readonly<Record<EngineCommandName, readonly string[]>> = {
  up: ['--folder', '--only', '--brokers', '--nodes', '--ports', '--retention-ms', '--proxied'],
  down: ['--folder', '--only', '--wipe'],
  status: ['--folder'],
  kill: ['--folder'],
  pause: ['--folder'],
  resume: ['--folder'],
};

type EngineCommandName = 'up' | 'down' | 'status' | MemberFault;

/** Options that are there or not. */
const flags: ReadonlySet<string> = new Set(['--wipe', '--proxied']);

/** Reads the command line. */
export function readEngineCommand(args: readonly string[]): EngineCommand {
  if (args.includes('--help') || args.includes('-h')) return { type: 'help' };
  const [type, ...rest] = args;
  if (type === undefined) return wrong('say up, down or status');
  if (!isCommand(type)) return wrong(`it does not know "${type}"`);
  const isFault = memberFaults.some((fault) => fault === type);
  const member = !isFault || rest[0]?.startsWith('--') ? undefined : rest.shift();
  if (isFault && member === undefined) return wrong(`${type} needs the name of a process, as kafka-1`);
  const given = new Map<string, string>();
  while (rest.length > 0) {
    const argument = rest.shift() ?? '';
    const [option, inline] = splitOption(argument);
    if (!takesOf[type].includes(option)) return wrong(`${type} takes no "${argument}"`);
    if (given.has(option)) return wrong(`${option} is there twice`);
    if (flags.has(option)) {
      if (inline !== undefined) return wrong(`${option} takes no value`);
      given.set(option, '');
      continue;
    }
    const value = inline ?? rest.shift() ?? '';
    if (value === '' || (inline === undefined && value.startsWith('--'))) return wrong(`${option} needs a value`);
    given.set(option, value);
  }
  const only = readOnly(given.get('--only'));
  if (typeof only === 'string') return wrong(only);
  const folder = given.get('--folder');
  if (type === 'status') return { type, folder };
  if (type === 'kill' || type === 'pause' || type === 'resume') return { type, folder, member: member ?? '' };
  if (type === 'down') return { type, folder, only, isWiping: given.has('--wipe') };
  const shape = readShape(given);
  return typeof shape === 'string' ? wrong(shape) : { type, folder, only, shape };
}

function isCommand(text: string): text is EngineCommandName {
  return Object.hasOwn(takesOf, text);
}

function wrong(message: string): EngineCommand {
  return { type: 'wrong', message };
}

/** `--a=b` as its two halves. */
function splitOption(argument: string): readonly [string, string?] {
  const at = argument.indexOf('=');
  return argument.startsWith('--') && at > 0 ? [argument.slice(0, at), argument.slice(at + 1)] : [argument];
}

/** The engines of `--only`, in the order in which they are started; all without it. A text is what is wrong. */
function readOnly(value: string | undefined): readonly EngineName[] | string {
  if (value === undefined) return engineNames;
  const names = value.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !engineNames.some((engine) => engine === name));
  if (unknown !== undefined) return `--only knows ${engineNames.join(', ')}, not "${unknown}"`;
  return engineNames.filter((engine) => names.includes(engine));
}

function readShape(given: ReadonlyMap<string, string>): ShapeAsked | string {
  const counts: { brokers?: 1 | 3; nodes?: 1 | 3 } = {};
  for (const name of ['brokers', 'nodes'] as const) {
    const value = given.get(`--${name}`);
    if (value === undefined) continue;
    // Two can't outvote one that is gone.
    if (value !== '1' && value !== '3') return `--${name} is 1 or 3, not "${value}"`;
    counts[name] = value === '1' ? 1 : 3;
  }
  const ports = readWhole(given, '--ports', 1024, 64_000);
  if (typeof ports === 'string') return ports;
  const retention = readWhole(given, '--retention-ms', 1, Number.MAX_SAFE_INTEGER);
  if (typeof retention === 'string') return retention;
  return {
    ...counts,
    ...(ports === undefined ? {} : { portBase: ports }),
    ...(retention === undefined ? {} : { retentionMs: retention }),
    ...(given.has('--proxied') ? { isProxied: true } : {}),
  };
}

function readWhole(
  given: ReadonlyMap<string, string>,
  option: string,
  least: number,
  most: number,
): number | undefined | string {
  const value = given.get(option);
  if (value === undefined) return undefined;
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  return number >= least && number <= most
    ? number
    : `${option} is a whole number from ${least} to ${most}, not "${value}"`;
}
