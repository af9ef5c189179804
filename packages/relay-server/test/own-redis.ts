import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** A redis-server of a test's own, which it may stop, halt and wipe. */
export interface OwnRedis extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** SIGSTOP and SIGCONT are what a hanging machine looks like. */
  signal(signal: NodeJS.Signals): void;
  /** Ends the process, and begins another one on the same port: nothing is left. */
  restart(): Promise<void>;
}

/** Ends the server when its input ends, so also when the test's process is killed. */
const keeper = 'redis-server "$@" > /dev/null & echo $!; cat > /dev/null; kill -9 $!; wait $!';

/** Starts a redis-server that keeps nothing on disk; settings as on its command line. */
export async function ownRedis(settings: readonly string[] = []): Promise<OwnRedis> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'own-redis-'));
  const begin = async () => {
    const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
    const shell = spawn('sh', ['-c', keeper, 'sh', ...fixed, ...settings], { stdio: ['pipe', 'pipe', 'ignore'] });
    const [line] = await once(shell.stdout, 'data');
    await answers(port);
    return { shell, pid: Number(String(line)) };
  };
  let server = await begin();
  const end = async () => {
    const { shell } = server;
    if (shell.exitCode !== null || shell.signalCode !== null) return;
    const exited = once(shell, 'exit');
    shell.stdin.end();
    await exited;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    signal: (signal) => {
      process.kill(server.pid, signal);
    },
    async restart() {
      await end();
      server = await begin();
    },
    async [Symbol.asyncDispose]() {
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port of the loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function answers(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await pause(20);
    } finally {
      socket.destroy();
    }
  }
}
