import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
/** What does not show by then is told with what shows instead. */
const patienceMs = 15_000;

/** A real terminal, led by tmux with a server of its own: windows with programs in them, keys to press, and the screen as it stands. */
export class Tmux {
  private readonly folder = mkdtempSync(join(tmpdir(), 'sotto-tmux-'));
  private readonly socket = join(this.folder, 'socket');
  private watcher: ChildProcess | undefined;
  private waiters: (() => void)[] = [];

  /** Starts the server. @throws when there is no tmux */
  async start(): Promise<void> {
    // The first window keeps the server alive; programs stand in the others.
    await this.run('-f', '/dev/null', 'new-session', '-d', '-s', 'main', '-x', '80', '-y', '24', 'cat');
    await this.run('set-option', '-g', 'escape-time', '0');
    // In control mode tmux says when a window shows something new.
    const watcher = spawn('tmux', ['-S', this.socket, '-C', 'attach-session', '-f', 'ignore-size', '-t', 'main'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.watcher = watcher;
    watcher.stdout.on('data', () => this.changed());
  }

  /** Runs a program in a window of its own. */
  async open(window: string, size: { readonly columns: number; readonly rows: number }, command: readonly string[]) {
    await this.run('new-window', '-d', '-t', 'main', '-n', window, ...command);
    await this.resize(window, size);
  }

  async resize(window: string, { columns, rows }: { readonly columns: number; readonly rows: number }): Promise<void> {
    await this.run('resize-window', '-t', `main:${window}`, '-x', String(columns), '-y', String(rows));
  }

  /** Presses keys by their names: `Enter`, `C-c`, `PageUp`. */
  async press(window: string, ...keys: readonly string[]): Promise<void> {
    await this.run('send-keys', '-t', `main:${window}`, ...keys);
  }

  /** Types a text. */
  async type(window: string, text: string): Promise<void> {
    await this.run('send-keys', '-t', `main:${window}`, '-l', '--', text);
  }

  /** Pastes a text, in brackets if the program asked for them. */
  async paste(window: string, text: string): Promise<void> {
    await this.run('set-buffer', '-b', 'paste', '--', text);
    await this.run('paste-buffer', '-p', '-d', '-b', 'paste', '-t', `main:${window}`);
  }

  /** What a window shows; with its colours when asked. */
  async screen(window: string, { colors = false } = {}): Promise<string> {
    return await this.run('capture-pane', '-p', ...(colors ? ['-e'] : []), '-t', `main:${window}`);
  }

  /** A fact of tmux about a window, such as `alternate_on`. */
  async fact(window: string, name: string): Promise<string> {
    return (await this.run('display-message', '-p', '-t', `main:${window}`, `#{${name}}`)).trim();
  }

  /** Resolves to the screen once it shows what is looked for; looks when something changed. */
  async shows(window: string, wanted: string | RegExp, signal: AbortSignal): Promise<string> {
    const found = (screen: string) => (typeof wanted === 'string' ? screen.includes(wanted) : wanted.test(screen));
    return await this.until(window, found, String(wanted), signal);
  }

  /** Ends the server with all that runs in it. */
  async stop(): Promise<void> {
    const { watcher } = this;
    if (watcher !== undefined && watcher.exitCode === null) {
      const gone = once(watcher, 'exit');
      await this.run('kill-server');
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async until(
    window: string,
    found: (screen: string) => boolean,
    wanted: string,
    signal: AbortSignal,
  ): Promise<string> {
    const given = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    for (;;) {
      // Before the look, so that no change falls between the two.
      const change = this.change(given);
      const screen = await this.screen(window);
      if (found(screen)) return screen;
      if (!(await change)) throw new Error(`${window} does not show ${wanted}, but:\n${screen}`);
    }
  }

  /** Resolves to true at the next change of any window, to false when the signal ends the wait. */
  private change(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal.aborted) resolve(false);
      const onAbort = () => resolve(false);
      signal.addEventListener('abort', onAbort, { once: true });
      this.waiters.push(() => {
        signal.removeEventListener('abort', onAbort);
        resolve(true);
      });
    });
  }

  private changed(): void {
    const { waiters } = this;
    this.waiters = [];
    for (const wake of waiters) wake();
  }

  private async run(...args: readonly string[]): Promise<string> {
    const { stdout } = await execute('tmux', ['-u', '-S', this.socket, ...args]);
    return stdout;
  }
}
