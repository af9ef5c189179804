import { readFile } from 'node:fs/promises';
import { openClusterRelay } from './cluster-relay.ts';
import { readCommandLine } from './config/command-line.ts';
import { loadConfig } from './config/load-config.ts';
import type { RelayConfig } from './config/relay-config.ts';
import { usage } from './config/usage.ts';
import { openEmbeddedRelay } from './embedded-relay.ts';
import { forgetPrekeys } from './forget-prekeys.ts';
import { migrateCluster } from './migrate-cluster.ts';
import { keepAlive } from './platform/keep-alive.ts';
import { systemClock } from './platform/system-clock.ts';
import { RelayError } from './relay-error.ts';
import { relayVersion } from './relay-version.ts';

/**
 * The `sotto-relay` command: reads flags, environment and file, runs the relay until SIGTERM or SIGINT, and resolves to the exit status.
 *
 * Mistakes of the operator are one sentence on standard error, and status 1 (2 for a wrong configuration).
 */
export async function main(args: readonly string[]): Promise<number> {
  const letGo = keepAlive();
  try {
    const line = readCommandLine(args);
    switch (line.command) {
      case 'help':
        process.stdout.write(usage());
        return 0;
      case 'version':
        process.stdout.write(`sotto-relay ${relayVersion}\n`);
        return 0;
      case 'serve':
      case 'migrate':
      case 'forget-prekeys': {
        const path = line.configFile ?? process.env.SOTTO_CONFIG;
        const file = path === undefined ? undefined : await readConfigFile(path);
        const config = loadConfig({ flags: line.values, environment: process.env, ...(file && { file }) });
        await commands[line.command](config);
        return 0;
      }
    }
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    process.stderr.write(`sotto-relay: ${error.message}\n`);
    return error.code === 'config-invalid' ? 2 : 1;
  } finally {
    letGo();
  }
}

async function readConfigFile(path: string): Promise<{ path: string; text: string }> {
  try {
    return { path, text: await readFile(path, 'utf8') };
  } catch (cause) {
    throw new RelayError('config-invalid', `${path}: can not be read: name the config file that is meant.`, { cause });
  }
}

const say = (line: string) => void process.stdout.write(`${line}\n`);

const commands = {
  serve,
  migrate,
  'forget-prekeys': (config: RelayConfig) => forgetPrekeys(config, say),
};

async function migrate(config: RelayConfig): Promise<void> {
  await migrateCluster(config, { clock: systemClock, say });
}

async function serve(config: RelayConfig): Promise<void> {
  const isCluster = config.store === 'cluster';
  const relay = await (isCluster ? openClusterRelay({ config }) : openEmbeddedRelay({ config }));
  const ended = endSignal();
  try {
    const { url } = await relay.start();
    const place = isCluster ? `is a node of ${config.cluster.name}` : `keeps its data in ${config.data}`;
    process.stdout.write(`sotto-relay ${relayVersion} listens on ${url} and ${place}\n`);
    if (config.host === '127.0.0.1' || config.host === 'localhost' || config.host === '::1') {
      process.stdout.write(
        'Only this machine can reach it; `--host 0.0.0.0` opens it to others (behind a proxy that does TLS).\n',
      );
    }
    await ended.signal;
  } finally {
    ended.forget();
    await relay.stop();
  }
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once, as signals do by themselves. */
function endSignal(): { signal: Promise<void>; forget: () => void } {
  let forget: () => void = () => undefined;
  const signal = new Promise<void>((resolve) => {
    const onSignal = () => {
      forget();
      resolve();
    };
    process.once('SIGTERM', onSignal);
    process.once('SIGINT', onSignal);
    forget = () => {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
    };
  });
  return { signal, forget: () => forget() };
}
