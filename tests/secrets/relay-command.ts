import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const bin = join(import.meta.dirname, '..', '..', 'packages', 'relay-server', 'src', 'bin.ts');

/**
 * The `sotto-relay` command with its logs at debug, and an SMS gateway beside it.
 *
 * The code sender of the console prints numbers: that is what it is for. Whoever has something to hide uses a gateway, so this relay does.
 */
export class RelayCommand implements AsyncDisposable {
  url = '';
  /** What it wrote to its standard output and its standard error. */
  output = '';
  readonly #data: string;
  readonly #codes = new Map<string, string>();
  #gateway: Server | undefined;
  #child: ChildProcess | undefined;

  constructor(data: string) {
    this.#data = data;
  }

  async start(secret: string): Promise<void> {
    const gateway = await this.#startGateway();
    const child = spawn(process.execPath, ['--conditions=sotto-source', bin, '--data', this.#data, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        SOTTO_LOG_LEVEL: 'debug',
        SOTTO_CODES_SENDER: 'webhook',
        SOTTO_CODES_URL: gateway,
        SOTTO_CODES_SECRET: secret,
        SOTTO_CODES_ALLOW_PRIVATE_WEBHOOK: 'true',
        SOTTO_CODES_RESEND_AFTER_MS: '0',
        // What this proxy says of its clients' addresses is believed.
        SOTTO_TRUSTED_PROXIES: '127.0.0.1/32',
      },
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`the relay did not start: ${this.output}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const listens = /listens on (\S+)/.exec(line);
        if (listens?.[1] === undefined) return;
        this.url = listens[1];
        resolve();
      });
    });
  }

  /** The code that the gateway was given for a number. */
  codeFor(number: string): string {
    const code = this.#codes.get(number);
    if (code === undefined) throw new Error('the gateway got no code for this number');
    return code;
  }

  /** SIGTERM: it drains, and all of its output is read. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child !== undefined && child.exitCode === null) {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      await closed;
    }
    const gateway = this.#gateway;
    this.#gateway = undefined;
    if (gateway !== undefined) {
      gateway.close();
      gateway.closeAllConnections();
      await once(gateway, 'close');
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #startGateway(): Promise<string> {
    const gateway = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { number, code } = JSON.parse(Buffer.concat(chunks).toString()) as { number: string; code: string };
        this.#codes.set(number, code);
        response.writeHead(204).end();
      });
    });
    gateway.listen(0, '127.0.0.1');
    await once(gateway, 'listening');
    this.#gateway = gateway;
    return `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/sms`;
  }
}
