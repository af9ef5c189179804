import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { endChild, pidOf } from '../relay-process.ts';

/** A server of somebody else, as a child of this process: ended by its id. */
export class ServerProcess implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  /**
   * Starts a program and waits until it listens on its port of the loopback network.
   * @throws {Error} with its last words when it ends before, or does not listen in time
   */
  static async start(
    command: string,
    args: readonly string[],
    port: number,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ServerProcess> {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    let words = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        words = (words + text).slice(-2_000);
      });
    }
    let failed: Error | undefined;
    child.once('error', (error) => {
      failed = error;
    });
    const latest = performance.now() + 20_000;
    while (!(await listens(port))) {
      if (failed !== undefined) throw failed;
      if (child.exitCode !== null || performance.now() > latest) {
        await endChild(child);
        throw new Error(`${command} does not listen: ${words.trim()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return new ServerProcess(child, port);
  }

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  get pid(): number {
    return pidOf(this.#child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endChild(this.#child);
  }
}

/** A port of the loopback network that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

/** The version of a Debian package that is installed; `undefined` when it isn't, or this is no Debian. */
export function packageVersion(name: string): string | undefined {
  try {
    const status = execFileSync('dpkg-query', ['-s', name], { encoding: 'utf8', stdio: 'pipe' });
    return /^Status: .* installed$/m.test(status) ? /^Version: (\S+)$/m.exec(status)?.[1] : undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return undefined;
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
