import { join } from 'node:path';
import { Relay } from './relay.ts';
import { Tmux } from './tmux.ts';

/** What somebody types to have an account. */
export interface Newcomer {
  readonly number: string;
  readonly name: string;
  /** Of an account that goes on. */
  readonly recoveryKey?: string;
}

/** A relay, a terminal, and people who press keys. */
export class Stage {
  readonly tmux = new Tmux();
  readonly relay = new Relay();

  async open(): Promise<void> {
    await this.relay.start();
    await this.tmux.start();
  }

  /** A window with a shell in it. */
  async openShell(window: string, size: { readonly columns: number; readonly rows: number }): Promise<void> {
    await this.tmux.open(window, size, ['env', 'PS1=at-home ', 'sh', '-i']);
  }

  /** Starts somebody's chat in the shell of the window of that name. */
  async startChat(person: string, ...flags: readonly string[]): Promise<void> {
    // What a test run sets for itself is not the terminal's.
    const variables = `NODE_COMPILE_CACHE=${join(this.relay.folder, 'compiled')} LC_ALL=C.UTF-8 NO_COLOR=`;
    await this.tmux.type(person, `clear; env ${variables} ${this.relay.command(person, ...flags).join(' ')}`);
    await this.tmux.press(person, 'Enter');
  }

  /** Makes somebody's account by the keys that a person would press, up to the code. */
  async register(window: string, { number, name, recoveryKey }: Newcomer, signal: AbortSignal): Promise<void> {
    const { tmux } = this;
    await tmux.shows(window, 'A new account on this device', signal);
    await tmux.type(window, number);
    await tmux.press(window, 'Enter');
    await tmux.type(window, name);
    if (recoveryKey !== undefined) {
      await tmux.press(window, 'C-r');
      await tmux.shows(window, 'Your account on this device', signal);
      await tmux.type(window, recoveryKey);
    }
    await tmux.press(window, 'Enter');
    await tmux.shows(window, 'A code was sent to', signal);
    await tmux.type(window, await this.relay.codeFor(number));
    await tmux.press(window, 'Enter');
  }

  /** Says that the recovery key is kept, and gives it as it was shown. */
  async keepRecoveryKey(window: string, signal: AbortSignal): Promise<string> {
    const seen = await this.tmux.shows(window, 'Your recovery key', signal);
    await this.tmux.press(window, 'Enter');
    return seen.match(/\b[0-9A-Z]{2,4}(-[0-9A-Z]{2,4})+\b/g)?.join('-') ?? '';
  }

  /** Writes to a number that this chat does not list yet. */
  async writeFirst(window: string, number: string, text: string, signal: AbortSignal): Promise<void> {
    const { tmux } = this;
    await tmux.press(window, 'n');
    await tmux.type(window, number);
    await tmux.press(window, 'Enter');
    await tmux.shows(window, 'Nothing yet', signal);
    await tmux.type(window, text);
    await tmux.press(window, 'Enter');
  }

  async close(): Promise<void> {
    await this.tmux.stop();
    await this.relay.stop();
  }
}
