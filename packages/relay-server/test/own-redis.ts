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

/** Starts a redis-server that keeps nothing on disk; settings as on its command line. */
export async function ownRedis(settings: readonly string[] = []): Promise<OwnRedis> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'own-redis-'));
  const begin = async () => {
    const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
    const child = spawn('redis-server', [...fixed, ...settings], { stdio: 'ignore' });
    await once(child, 'spawn');
    await answers(port);
    return child;
  };
  let child = await begin();
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    signal: (signal) => {
      child.kill(signal);
    },
    async restart() {
      await end();
      child = await begin();
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
