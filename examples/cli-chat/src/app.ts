import type { Client } from '@sotto/sdk';
import type { Look } from './screen/look.ts';
import { Terminal } from './screen/terminal.ts';
import { errorText } from './session/error-text.ts';
import type { Notebook } from './session/notebook.ts';
import { Session } from './session/session.ts';
import { type AppState, initialState } from './state/app-state.ts';
import type { Effect, Input } from './state/input.ts';
import { update } from './state/update.ts';
import { chatLayout } from './views/chat-view.ts';
import { viewOf } from './views/view.ts';

const minute = 60_000;

/** Runs the chat in a terminal: what happens goes through `update`, what that asks for is done, what it shows is painted. */
export class App {
  private readonly client: Client;
  private readonly look: Look;
  private readonly terminal: Terminal;
  private readonly session: Session;
  private state: AppState;
  private painting = false;
  private ending: Promise<void> | undefined;

  constructor(client: Client, notebook: Notebook, look: Look, linkAs: string | undefined) {
    this.client = client;
    this.look = look;
    this.terminal = new Terminal(process.stdin, process.stdout, look, {
      onKey: (key) => this.take({ type: 'key', key }),
      onPaste: (text) => this.take({ type: 'paste', text }),
      onResize: (size) => this.take({ type: 'resize', size }),
      onEnd: () => this.end(),
    });
    this.session = new Session(client, notebook, (news) => this.take(news), linkAs);
    this.state = initialState(this.terminal.size, Date.now());
  }

  /** Resolves at the end, with the terminal as it was. */
  async run(): Promise<void> {
    this.terminal.open();
    // `Today` is another day after midnight.
    const ticking = setInterval(() => this.take({ type: 'tick' }), minute);
    try {
      await this.session.run();
    } finally {
      clearInterval(ticking);
      this.terminal.close();
    }
    await this.ending;
  }

  /** Ends the client; `run` resolves then. */
  end(): void {
    this.terminal.close();
    this.ending ??= this.client.stop();
    this.ending.catch((error: unknown) => {
      process.exitCode = 1;
      process.stderr.write(`chat: ${errorText(error)}\n`);
    });
  }

  private take(input: Input): void {
    const layOut: Parameters<typeof update>[2] = (state, open) => chatLayout(state, open, this.look.glyphs);
    const { state, effects } = update({ ...this.state, now: Date.now() }, input, layOut);
    this.state = state;
    for (const effect of effects) this.perform(effect);
    this.paintSoon();
  }

  private perform(effect: Effect): void {
    switch (effect.type) {
      case 'repaint':
        this.terminal.forget();
        break;
      case 'suspend':
        this.terminal.suspend();
        break;
      case 'quit':
        this.end();
        break;
      default:
        // Its failures are told on the screen.
        void this.session.do(effect);
    }
  }

  /** Once for all that happens in one turn: a paste, or a hundred messages. */
  private paintSoon(): void {
    if (this.painting) return;
    this.painting = true;
    setImmediate(() => {
      this.painting = false;
      this.terminal.show(viewOf(this.state, this.look.glyphs));
    });
  }
}
