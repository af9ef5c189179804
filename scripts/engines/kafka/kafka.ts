import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Engine } from '../engine.ts';
import type { EngineFolder } from '../engine-folder.ts';
import { clientAddress } from '../engine-shape.ts';
import { installedJars } from '../installed-programs.ts';
import { kafkaConfig, kafkaLogging, kafkaUser } from './kafka-config.ts';
import { makeKafkaKey } from './kafka-key.ts';
import { askKafka, tryKafka } from './kafka-probe.ts';

const execute = promisify(execFile);

function certificateIn(folder: EngineFolder): string {
  return folder.config('kafka-ca.pem');
}

/** For its owner only, also where it stood already. */
function writePrivate(path: string, content: string): void {
  writeFileSync(path, content, { mode: 0o600 });
  chmodSync(path, 0o600);
}

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
      const keyStore = folder.config('kafka.p12');
      mkdirSync(data, { recursive: true, mode: 0o700 });
      await makeKafkaKey(keyStore, certificateIn(folder), made.kafkaStorePassword);
      writePrivate(config, kafkaConfig(member, members, made, data, keyStore));
      writeFileSync(logging, kafkaLogging);
      if (!existsSync(join(data, 'meta.properties'))) {
        const format = ['kafka.tools.StorageTool', 'format', '-t', made.kafkaClusterId, '-c', config];
        const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
          '--add-scram',
          `${mechanism}=[name=${kafkaUser},password=${made.kafkaPassword}]`,
        ]);
        // Java reads all of its arguments from a file: what stands in a command line can be read by everybody.
        const told = folder.config(`${member.name}-format.args`);
        writePrivate(told, [...log, ...classes, ...format, ...users].map((text) => JSON.stringify(text)).join('\n'));
        try {
          await execute('java', [`@${told}`], { timeout: 120_000 });
        } finally {
          rmSync(told, { force: true });
        }
      }
      const args = ['-Xmx512m', '-XX:+ExitOnOutOfMemoryError', ...log, ...classes, 'kafka.Kafka', config];
      return { command: 'java', args, env: {}, cwd: data, log: folder.log(member.name) };
    };
  },
  ask: ({ host, port }) => askKafka(`${host}:${port}`),
  attempt: ({ members }) => tryKafka(members.map(({ host, port }) => `${host}:${port}`)),
  addresses: ({ members, made, folder }) => ({
    brokers: members.map((member) => clientAddress(member, made.shape)).map(({ host, port }) => `${host}:${port}`),
    secured: {
      plain: members.map(({ host, further }) => `${host}:${further.sasl}`),
      tls: members.map(({ host, further }) => `${host}:${further.tls}`),
      ca: certificateIn(folder),
      username: kafkaUser,
      password: made.kafkaPassword,
    },
  }),
  shown: ({ members }) => members.map(({ host, port }) => `${host}:${port}`).join(', '),
};
