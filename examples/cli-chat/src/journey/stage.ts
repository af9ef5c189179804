import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, openEmbeddedRelay } from '@sotto/relay-server';
import { Tmux } from './tmux.ts';

const main = join(import.meta.dirname, '..', 'main.ts');

/** A relay, a terminal, and folders for people to keep their chats in. */
export class Stage {
  readonly tmux = new Tmux();
  readonly folder = mkdtempSync(join(tmpdir(), 'sotto-chat-'));
  private relay: Awaited<ReturnType<typeof openEmbeddedRelay>> | undefined;
  private readonly codes = new Map<string, string>();
  private readonly waiting = new Map<string, (code: string) => void>();
  url = '';

  async open(): Promise<void> {
    const config = JSON.stringify({ data: join(this.folder, 'relay'), port: 0 });
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
    await this.tmux.start();
  }

  /** The command that starts somebody's chat, from the sources. */
  command(person: string, env: Readonly<Record<string, string>> = {}, ...flags: readonly string[]): string[] {
    // What a test run sets for itself is not the terminal's.
    const variables = { NODE_COMPILE_CACHE: join(this.folder, 'compiled'), LC_ALL: 'C.UTF-8', NO_COLOR: '', ...env };
    return [
      'env',
      ...Object.entries(variables).map(([name, value]) => `${name}=${value}`),
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

  /** A window with a shell in it. */
  async openShell(window: string, size: { readonly columns: number; readonly rows: number }): Promise<void> {
    await this.tmux.open(window, size, ['env', 'PS1=at-home ', 'sh', '-i']);
  }

  /** Starts somebody's chat in the shell of the window of that name. */
  async startChat(person: string): Promise<void> {
    await this.tmux.type(person, `clear; ${this.command(person).join(' ')}`);
    await this.tmux.press(person, 'Enter');
  }

  /** The code that was sent to a number, once it was. */
  codeFor(number: string): Promise<string> {
    const known = this.codes.get(number);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => this.waiting.set(number, resolve));
  }

  /** Makes somebody's account by the keys that a person would press, up to the list of chats. */
  async register(window: string, number: string, name: string, signal: AbortSignal): Promise<void> {
    const { tmux } = this;
    await tmux.shows(window, 'A new account on this device', signal);
    await tmux.type(window, number);
    await tmux.press(window, 'Enter');
    await tmux.type(window, name);
    await tmux.press(window, 'Enter');
    await tmux.type(window, await this.codeAsked(window, number, signal));
    await tmux.press(window, 'Enter');
    await tmux.shows(window, 'Your recovery key', signal);
    await tmux.press(window, 'Enter');
    await tmux.shows(window, 'Press n to write to somebody', signal);
  }

  async close(): Promise<void> {
    await this.tmux.stop();
    await this.relay?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async codeAsked(window: string, number: string, signal: AbortSignal): Promise<string> {
    await this.tmux.shows(window, 'A code was sent to', signal);
    return await this.codeFor(number);
  }
}
