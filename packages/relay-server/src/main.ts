import { readFile } from 'node:fs/promises';
import { openClusterRelay } from './cluster-relay.ts';
import { readCommandLine } from './config/command-line.ts';
import { loadConfig } from './config/load-config.ts';
import type { RelayConfig } from './config/relay-config.ts';
import { usage } from './config/usage.ts';
import { openEmbeddedRelay } from './embedded-relay.ts';
import { forgetPrekeys } from './forget-prekeys.ts';
import { migrateCluster } from './migrate-cluster.ts';
import { closeEach } from './platform/close-each.ts';
import { keepAlive } from './platform/keep-alive.ts';
import { systemClock } from './platform/system-clock.ts';
import type { Relay } from './relay.ts';
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

/** A signal that comes while the relay opens or starts is kept until that has an end, which the engines' own time-outs see to; then what is open is closed. */
async function serve(config: RelayConfig): Promise<void> {
  const ended = endSignal();
  try {
    const isCluster = config.store === 'cluster';
    const relay = await unlessEnded(ended, isCluster ? openClusterRelay({ config }) : openEmbeddedRelay({ config }));
    if (relay === undefined) return;
    await closeEach([() => run(relay, config, ended), () => relay.stop()]);
  } finally {
    ended.forget();
  }
}

async function run(relay: Relay, config: RelayConfig, ended: EndSignal): Promise<void> {
  if (ended.hasCome()) return;
  const started = await unlessEnded(ended, relay.start());
  if (started === undefined || ended.hasCome()) return;
  const place = config.store === 'cluster' ? `is a node of ${config.cluster.name}` : `keeps its data in ${config.data}`;
  process.stdout.write(`sotto-relay ${relayVersion} listens on ${started.url} and ${place}\n`);
  if (config.host === '127.0.0.1' || config.host === 'localhost' || config.host === '::1') {
    process.stdout.write(
      'Only this machine can reach it; `--host 0.0.0.0` opens it to others (behind a proxy that does TLS).\n',
    );
  }
  await ended.signal;
}

/** What fails once the end was asked for is said, and is no failure of the command. */
async function unlessEnded<T>(ended: EndSignal, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!(ended.hasCome() && error instanceof RelayError)) throw error;
    process.stderr.write(`sotto-relay: ${error.message}\n`);
    return undefined;
  }
}

interface EndSignal {
  readonly signal: Promise<void>;
  readonly hasCome: () => boolean;
  readonly forget: () => void;
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once, as signals do by themselves. */
function endSignal(): EndSignal {
  let hasCome = false;
  let forget: () => void = () => undefined;
  const signal = new Promise<void>((resolve) => {
    const onSignal = () => {
      hasCome = true;
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
  return { signal, hasCome: () => hasCome, forget: () => forget() };
}
