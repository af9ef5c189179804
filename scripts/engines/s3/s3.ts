import { mkdirSync } from 'node:fs';
import type { Engine, EngineSetting } from '../engine.ts';
import type { EngineMember } from '../engine-shape.ts';
import { installedVersitygw } from '../installed-programs.ts';
import { askS3, type S3Access, tryS3 } from './s3-probe.ts';

const region = 'us-east-1';

/** versitygw on a folder: buckets are folders there, objects are files with extended attributes. */
export const s3: Engine = {
  name: 's3',
  isStartedOneByOne: true,
  answerMs: 30_000,
  graceMs: 10_000,
  async install(installer) {
    const command = await installedVersitygw(installer);
    return async (member, { folder, made }) => {
      const data = folder.data(member.name);
      mkdirSync(data, { recursive: true, mode: 0o700 });
      const address = `${member.host}:${member.port}`;
      const args = ['--port', address, '--region', region, '--keep-alive', '--quiet', 'posix', data];
      const env = { ROOT_ACCESS_KEY: made.s3AccessKeyId, ROOT_SECRET_KEY: made.s3SecretAccessKey };
      return { command, args, env, cwd: data, log: folder.log(member.name) };
    };
  },
  ask: (_, setting) => askS3(accessOf(setting)),
  attempt: (setting) => tryS3(accessOf(setting)),
  addresses: (setting) => accessOf(setting, setting.made.shape.isProxied ? setting.members[0]?.far : undefined),
  shown: (setting) => `${accessOf(setting).endpoint}, ${region} (with the keys in engines.json)`,
};

function accessOf({ members: [member], made }: EngineSetting, at: EngineMember['far'] | undefined = member): S3Access {
  return {
    endpoint: `http://${at?.host}:${at?.port}`,
    region,
    accessKeyId: made.s3AccessKeyId,
    secretAccessKey: made.s3SecretAccessKey,
  };
}
