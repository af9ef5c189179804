import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Engine } from '../engine.ts';
import { clientAddress } from '../engine-shape.ts';
import { installedJars } from '../installed-programs.ts';
import { cassandraConfig, cassandraLogging, localDataCenter, moduleFlags } from './cassandra-config.ts';
import { askCassandra, tryCassandra } from './cassandra-probe.ts';

/** Nodes that join at once would take each other's tokens: each waits for the one before. */
export const cassandra: Engine = {
  name: 'cassandra',
  isStartedOneByOne: true,
  answerMs: 300_000,
  graceMs: 20_000,
  async install(installer) {
    const jars = await installedJars('cassandra', join(import.meta.dirname, 'pom.xml'), installer);
    // It measures objects, without which Cassandra does not start.
    const agent = readdirSync(jars).find((name) => /^jamm-.*\.jar$/.test(name));
    if (agent === undefined) throw new Error(`${jars} has no jamm: remove that folder, and run this again`);
    return async (member, { folder, made }) => {
      const config = folder.config(`${member.name}.yaml`);
      const logging = folder.config('cassandra-logging.xml');
      const data = folder.data(member.name);
      mkdirSync(data, { recursive: true, mode: 0o700 });
      writeFileSync(config, cassandraConfig(member, made.shape));
      writeFileSync(logging, cassandraLogging);
      const shared = [
        ...moduleFlags,
        `-Dlogback.configurationFile=${pathToFileURL(logging).href}`,
        '-cp',
        join(jars, '*'),
      ];
      // For people, as `java @FILE`: the tools that come with Cassandra need the same.
      writeFileSync(
        folder.config('cassandra-tools.args'),
        `${shared.map((text) => JSON.stringify(text)).join('\n')}\n`,
      );
      const heap = made.shape.nodes === 1 ? '1g' : '768m';
      const properties: Readonly<Record<string, string | number>> = {
        'cassandra.config': pathToFileURL(config).href,
        'cassandra.storagedir': data,
        'cassandra-foreground': 'yes',
        'cassandra.jmx.local.port': member.further.jmx ?? 0,
        // Half a minute of waiting, for rings that are larger than the loopback.
        'cassandra.ring_delay_ms': 2000,
        'cassandra.skip_wait_for_gossip_to_settle': 0,
      };
      const args = [
        `-Xms${heap}`,
        `-Xmx${heap}`,
        '-XX:+ExitOnOutOfMemoryError',
        `-javaagent:${join(jars, agent)}`,
        ...shared,
        ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
        'org.apache.cassandra.service.CassandraDaemon',
      ];
      return { command: 'java', args, env: {}, cwd: data, log: folder.log(member.name) };
    };
  },
  ask: askCassandra,
  attempt: ({ members }) => tryCassandra(members),
  addresses: ({ members, made }) => ({
    contactPoints: members.map((member) => clientAddress(member, made.shape).host),
    port: members[0]?.port,
    localDataCenter,
  }),
  shown: ({ members }) => `${members.map(({ host, port }) => `${host}:${port}`).join(', ')} (${localDataCenter})`,
};
