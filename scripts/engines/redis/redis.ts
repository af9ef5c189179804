import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import type { Engine } from '../engine.ts';
import type { FolderMade } from '../engine-folder.ts';
import { clientAddress, type EngineMember } from '../engine-shape.ts';
import { installedRedis } from '../installed-programs.ts';
import { redisConfig } from './redis-config.ts';
import { askRedis, tryRedis } from './redis-probe.ts';

export const redis: Engine = {
  name: 'redis',
  isStartedOneByOne: true,
  answerMs: 30_000,
  graceMs: 10_000,
  async install(installer) {
    const command = await installedRedis(installer);
    return async (member, { folder, made }) => {
      const config = folder.config('redis.conf');
      const data = folder.data(member.name);
      mkdirSync(data, { recursive: true, mode: 0o700 });
      writeFileSync(config, redisConfig(member, made.redisPassword, data), { mode: 0o600 });
      chmodSync(config, 0o600);
      return { command, args: [config], env: {}, cwd: data, log: folder.log(member.name) };
    };
  },
  ask: (member, { made }) => askRedis(urlOf(member, made)),
  attempt: ({ members, made }) => tryRedis(urlOf(only(members), made)),
  addresses: ({ members, made }) => ({ url: urlOf(clientAddress(only(members), made.shape), made) }),
  shown: ({ members }) => `redis://${only(members).host}:${only(members).port} (with the password in engines.json)`,
};

function urlOf({ host, port }: EngineMember['far'], { redisPassword }: FolderMade): string {
  return `redis://:${redisPassword}@${host}:${port}`;
}

function only(members: readonly EngineMember[]): EngineMember {
  const [member] = members;
  if (member === undefined) throw new Error('there is no Redis');
  return member;
}
