import type { EngineMember } from '../engine-shape.ts';

/** The `redis.conf`: nothing on disk, since whatever a relay has in Redis it can do without. It holds the password: mode 600. */
export function redisConfig(member: EngineMember, password: string, data: string): string {
  return [
    `bind ${member.host}`,
    `port ${member.port}`,
    'protected-mode yes',
    `requirepass ${password}`,
    `dir ${quoted(data)}`,
    'daemonize no',
    'save ""',
    'appendonly no',
    // What does not fit is refused: with another policy a counter of attempts could go to make room.
    'maxmemory 256mb',
    'maxmemory-policy noeviction',
    '',
  ].join('\n');
}

/** A folder's name may have spaces and quotes in it. */
function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
