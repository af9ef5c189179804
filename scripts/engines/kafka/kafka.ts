import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Engine } from '../engine.ts';
import { installedJars } from '../installed-programs.ts';
import { kafkaConfig, kafkaLogging } from './kafka-config.ts';
import { askKafka, tryKafka } from './kafka-probe.ts';

const execute = promisify(execFile);

/** Brokers that are controllers are started together: none answers without the majority. */
export const kafka: Engine = {
  name: 'kafka',
  isStartedOneByOne: false,
  answerMs: 180_000,
  graceMs: 15_000,
  async install(installer) {
    const jars = await installedJars('kafka', join(import.meta.dirname, 'pom.xml'), installer);
    return async (member, { folder, made, members }) => {
      const config = folder.config(`${member.name}.properties`);
      const logging = folder.config('kafka-logging.properties');
      const data = folder.data(member.name);
      const classes = ['-cp', join(jars, '*')];
      const log = [`-Dlog4j2.configurationFile=${pathToFileURL(logging).href}`];
      mkdirSync(data, { recursive: true, mode: 0o700 });
      writeFileSync(config, kafkaConfig(member, members, made.shape, data));
      writeFileSync(logging, kafkaLogging);
      if (!existsSync(join(data, 'meta.properties'))) {
        const format = ['kafka.tools.StorageTool', 'format', '-t', made.kafkaClusterId, '-c', config];
        await execute('java', [...log, ...classes, ...format], { timeout: 120_000 });
      }
      const args = ['-Xmx512m', '-XX:+ExitOnOutOfMemoryError', ...log, ...classes, 'kafka.Kafka', config];
      return { command: 'java', args, env: {}, cwd: data, log: folder.log(member.name) };
    };
  },
  ask: ({ host, port }) => askKafka(`${host}:${port}`),
  attempt: ({ members }) => tryKafka(members.map(({ host, port }) => `${host}:${port}`)),
  addresses: ({ members }) => ({ brokers: members.map(({ host, port }) => `${host}:${port}`) }),
  shown: ({ members }) => members.map(({ host, port }) => `${host}:${port}`).join(', '),
};
