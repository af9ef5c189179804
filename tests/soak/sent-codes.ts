/** The verification codes that relays have sent. */
export class SentCodes {
  readonly #codes = new Map<string, string>();
  readonly #waiting = new Map<string, (code: string) => void>();

  note(phone: string, code: string): void {
    this.#codes.set(phone, code);
    this.#waiting.get(phone)?.(code);
  }

  /** The code that was sent to a number last. */
  codeFor(phone: string): Promise<string> {
    const known = this.#codes.get(phone);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => this.#waiting.set(phone, resolve));
  }
}
