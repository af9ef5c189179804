import { type Client, SottoError } from '@sotto/sdk';
import type { News } from '../state/input.ts';
import { errorText } from './error-text.ts';
import type { Notebook } from './notebook.ts';

/** After these the same call asks for another code by itself. */
const askAgain = new Set(['code-wrong', 'code-invalid']);

/** Makes the account: the SDK asks for the code when it needs one, the user gives it when it comes. */
export class Registering {
  private readonly client: Client;
  private readonly notebook: Notebook;
  private readonly tell: (news: News) => void;
  private giveCode: ((code: string) => void) | undefined;
  private attempt: AbortController | undefined;
  private running: Promise<boolean> | undefined;
  private phone = '';
  private name = '';

  constructor(client: Client, notebook: Notebook, tell: (news: News) => void) {
    this.client = client;
    this.notebook = notebook;
    this.tell = tell;
  }

  /** Registers; resolves to whether there is an account now. Failures are told. */
  async register(phone: string, name: string): Promise<boolean> {
    this.phone = phone;
    this.name = name;
    // Whoever starts again after a crash finds both filled in, and the SDK goes on with its draft.
    this.notebook.write({ registering: { phone, name }, recoveryKeySeen: false });
    return await this.start(false);
  }

  /** Has a new code sent: the earlier one did not come. */
  async resendCode(): Promise<boolean> {
    this.attempt?.abort();
    // One registration at a time: the one before ends first.
    await this.running;
    return await this.start(true);
  }

  code(code: string): void {
    this.giveCode?.(code);
  }

  private start(resendCode: boolean): Promise<boolean> {
    const attempt = new AbortController();
    this.attempt = attempt;
    this.running = this.run(resendCode, attempt);
    return this.running;
  }

  private async run(resendCode: boolean, attempt: AbortController): Promise<boolean> {
    for (let resend = resendCode; ; resend = false) {
      try {
        await this.client.register({
          phone: this.phone,
          profile: { username: this.name },
          resendCode: resend,
          signal: attempt.signal,
          code: ({ attemptsLeft }) => this.askCode(attemptsLeft),
        });
        this.notebook.write({ registering: undefined });
        return true;
      } catch (error) {
        if (attempt.signal.aborted) return false;
        const again = error instanceof SottoError && askAgain.has(error.code);
        if (!again) {
          this.tell({ type: 'registration.failed', notice: { text: errorText(error), tone: 'bad' } });
          return false;
        }
        this.tell({ type: 'noticed', notice: { text: errorText(error), tone: 'bad' } });
      }
    }
  }

  private askCode(attemptsLeft: number | undefined): Promise<string> {
    return new Promise((resolve) => {
      this.giveCode = resolve;
      this.tell({ type: 'code.wanted', attemptsLeft });
    });
  }
}
