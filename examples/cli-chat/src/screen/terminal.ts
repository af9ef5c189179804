import { writeSync } from 'node:fs';
import { createInterface, emitKeypressEvents } from 'node:readline';
import { PassThrough } from 'node:stream';
import type { ReadStream, WriteStream } from 'node:tty';
import type { Size } from '../state/app-state.ts';
import type { Key } from '../state/key.ts';
import type { Look } from './look.ts';
import { paint } from './paint.ts';
import type { Screen } from './row.ts';

/** Alternate screen, keypad as usual, pastes in brackets, no wrapping at the edge. */
const enterCodes = '\x1b[?1049h\x1b[?2004h\x1b[?7l';
const leaveCodes = '\x1b[0m\x1b[?7h\x1b[?2004l\x1b[?25h\x1b[?1049l';

/** A sequence of a key comes at once, also over a slow line: what is alone for longer is the Esc key. In milliseconds. */
const escapeCodeTimeout = 50;

type Output = WriteStream & { readonly fd: number };

/** What a terminal tells. */
export interface TerminalEvents {
  readonly onKey: (key: Key) => void;
  readonly onPaste: (text: string) => void;
  readonly onResize: (size: Size) => void;
  /** The terminal is gone, or somebody wants the program to end. */
  readonly onEnd: () => void;
}

/** The terminal: raw keys in, screens out. It is given back as it was at the end, at a crash too. */
export class Terminal {
  private readonly input: ReadStream;
  private readonly output: Output;
  private readonly look: Look;
  private readonly events: TerminalEvents;
  private shown: Screen | undefined;
  private entered = false;
  private closed = false;
  private pasted: string[] | undefined;
  private readonly onResize = () => this.resized();
  private readonly onContinue = () => this.continued();
  private readonly onKeypress = (text: string | undefined, key: KeyPress) => this.pressed(text, key);
  private readonly onEnd = () => this.events.onEnd();
  private readonly onExit = () => this.leave();
  private readonly onStop = () => this.suspend();

  constructor(input: ReadStream, output: Output, look: Look, events: TerminalEvents) {
    this.input = input;
    this.output = output;
    this.look = look;
    this.events = events;
  }

  get size(): Size {
    // A terminal that does not know its size says 0.
    return { columns: this.output.columns || 80, rows: this.output.rows || 24 };
  }

  /** Takes the terminal over. */
  open(): void {
    // Read for its patience alone: half a second is what is waited without it.
    const patience = createInterface({ input: new PassThrough(), escapeCodeTimeout });
    emitKeypressEvents(this.input, patience);
    patience.close();
    this.input.on('keypress', this.onKeypress);
    this.input.on('end', this.onEnd);
    // The other side hung up: reading or writing fails then.
    this.input.on('error', this.onEnd);
    this.output.on('error', this.onEnd);
    this.output.on('resize', this.onResize);
    process.on('SIGCONT', this.onContinue);
    process.on('SIGTSTP', this.onStop);
    process.on('exit', this.onExit);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, this.onEnd);
    this.enter();
  }

  /** Shows a screen: writes what changed. */
  show(screen: Screen): void {
    if (!this.entered) return;
    this.output.write(paint(this.shown, screen, this.look));
    this.shown = screen;
  }

  /** The next screen is painted whole. */
  forget(): void {
    this.shown = undefined;
  }

  /** Gives the terminal back and stops the program until its shell continues it. */
  suspend(): void {
    this.leave();
    process.off('SIGTSTP', this.onStop);
    // The whole group, as the terminal would: npm and its like wait for us and have to stop as well. Nothing happens where no shell could continue it.
    process.kill(0, 'SIGTSTP');
    process.on('SIGTSTP', this.onStop);
    this.continued();
  }

  /** Gives the terminal back for good. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.leave();
    this.input.off('keypress', this.onKeypress);
    this.input.pause();
    this.output.off('resize', this.onResize);
    process.off('SIGCONT', this.onContinue);
    process.off('SIGTSTP', this.onStop);
    process.off('exit', this.onExit);
  }

  private enter(): void {
    if (this.entered) return;
    this.entered = true;
    this.input.setRawMode(true);
    this.input.resume();
    this.output.write(enterCodes);
    this.shown = undefined;
  }

  /** At once and without a queue: the program may be ending. */
  private leave(): void {
    if (!this.entered) return;
    this.entered = false;
    try {
      this.input.setRawMode(false);
      writeSync(this.output.fd, leaveCodes);
    } catch (error) {
      // A terminal that hung up needs nothing back.
      if (!(error instanceof Error && 'code' in error && (error.code === 'EIO' || error.code === 'EBADF'))) throw error;
    }
  }

  private continued(): void {
    if (this.closed) return;
    this.enter();
    this.resized();
  }

  private resized(): void {
    this.shown = undefined;
    this.events.onResize(this.size);
  }

  private pressed(text: string | undefined, key: KeyPress): void {
    if (key.name === 'paste-start') {
      this.pasted = [];
    } else if (key.name === 'paste-end') {
      const whole = this.pasted?.join('') ?? '';
      this.pasted = undefined;
      this.events.onPaste(whole);
    } else if (this.pasted !== undefined) {
      this.pasted.push(key.sequence ?? text ?? '');
    } else {
      const { name, ctrl = false, meta = false, shift = false } = key;
      this.events.onKey({ name, text: text ?? '', ctrl, meta, shift });
    }
  }
}

/** What `emitKeypressEvents` gives beside the text. */
interface KeyPress {
  readonly name?: string;
  readonly sequence?: string;
  readonly ctrl?: boolean;
  readonly meta?: boolean;
  readonly shift?: boolean;
}
