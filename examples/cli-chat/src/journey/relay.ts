import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, openEmbeddedRelay } from '@sotto/relay-server';

const main = join(import.meta.dirname, '..', 'main.ts');

/** A relay that tells its codes, and folders for people to keep their chats in. */
export class Relay {
  readonly folder = mkdtempSync(join(tmpdir(), 'sotto-chat-'));
  private relay: Awaited<ReturnType<typeof openEmbeddedRelay>> | undefined;
  private readonly codes = new Map<string, string>();
  private readonly waiting = new Map<string, (code: string) => void>();
  url = '';

  async start(): Promise<void> {
    // The same person on another device asks for a code again, at once.
    const config = JSON.stringify({ data: join(this.folder, 'relay'), port: 0, codes: { resendAfterMs: 0 } });
    const relay = await openEmbeddedRelay({
      config: loadConfig({ file: { path: 'relay.json', text: config } }),
      codeSender: {
        send: async ({ number, code }) => {
          this.codes.set(number, code);
          this.waiting.get(number)?.(code);
        },
      },
    });
    this.relay = relay;
    this.url = (await relay.start()).url;
  }

  /** The command that starts somebody's chat, from the sources: a program and what it is given. */
  command(person: string, ...flags: readonly string[]): [string, ...string[]] {
    return [
      process.execPath,
      '--conditions=sotto-source',
      main,
      '--relay',
      this.url,
      '--data',
      join(this.folder, person),
      ...flags,
    ];
  }

  /** The code that was sent to a number, once it was; a second time the next one. */
  async codeFor(number: string): Promise<string> {
    const code = this.codes.get(number) ?? (await new Promise<string>((resolve) => this.waiting.set(number, resolve)));
    this.codes.delete(number);
    return code;
  }

  async stop(): Promise<void> {
    await this.relay?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
