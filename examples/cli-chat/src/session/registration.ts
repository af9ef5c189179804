import type { Client } from '@sotto/sdk';
import type { News } from '../state/input.ts';
import { errorText, isMistyped } from './error-text.ts';
import type { Notebook } from './notebook.ts';

/** Makes the account: the SDK asks for the code, and for the PIN of a locked number, when it needs them. */
export class Registering {
  private readonly client: Client;
  private readonly notebook: Notebook;
  private readonly tell: (news: News) => void;
  private giveCode: ((code: string) => void) | undefined;
  private attempt: AbortController | undefined;
  private running: Promise<boolean> | undefined;
  private givePin: ((pin: string) => void) | undefined;
  private phone = '';
  private name = '';
  private recoveryKey: string | undefined;

  constructor(client: Client, notebook: Notebook, tell: (news: News) => void) {
    this.client = client;
    this.notebook = notebook;
    this.tell = tell;
  }

  /** Registers; resolves to whether there is an account now. Failures are told. */
  async register(phone: string, name: string, recoveryKey: string | undefined): Promise<boolean> {
    this.phone = phone;
    this.name = name;
    this.recoveryKey = recoveryKey;
    const recovers = recoveryKey !== undefined;
    // Whoever starts again after a crash finds both filled in, and the SDK goes on with its draft.
    this.notebook.write({ registering: { phone, name, recovers }, recoveryKeySeen: recovers });
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

  pin(pin: string): void {
    this.givePin?.(pin);
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
          ...(this.recoveryKey !== undefined && { recoveryKey: this.recoveryKey }),
          resendCode: resend,
          signal: attempt.signal,
          code: ({ attemptsLeft }) => this.askCode(attemptsLeft),
          pin: ({ attemptsLeft }) => this.askPin(attemptsLeft),
        });
        this.notebook.write({ registering: undefined });
        return true;
      } catch (error) {
        if (attempt.signal.aborted) return false;
        if (!isMistyped(error)) {
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

  private askPin(attemptsLeft: number | undefined): Promise<string> {
    return new Promise((resolve) => {
      this.givePin = resolve;
      this.tell({ type: 'pin.wanted', attemptsLeft });
    });
  }
}
