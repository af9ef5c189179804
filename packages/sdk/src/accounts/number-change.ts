import { chatLock, chatWith } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';
import { hasBlocked } from '../people/blocked.ts';
import type { RegistrationRecord } from '../ports/account-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChatId, UserId } from '../ports/ids.ts';
import type { StoreQueries } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import { ownQueue, tellOfAccount } from '../sync/own-sync.ts';
import { abortable } from '../transport/abortable.ts';
import { requestAccount, requestNumber } from '../transport/account-calls.ts';
import type { AuthorizedClient, HttpClient } from '../transport/http-client.ts';
import { proofOf } from './account-proof.ts';
import { type ChallengeSource, requestCode } from './challenge.ts';
import { parsePhoneNumber } from './phone-number.ts';
import { type PinSource, withPin } from './pin.ts';
import { draftAfter, verdictOn } from './registration-draft.ts';
import { sealNumber } from './sealed-number.ts';
import { rootSecretOf } from './standing.ts';
import { type CodeContext, readCode } from './verification-code.ts';

/** What a change of the number needs. */
export interface ChangeNumberOptions {
  /** The new number, with its country code. */
  readonly phone: string;
  /** Asks the user for the code that was sent to it. */
  readonly code: (context: CodeContext) => Promise<string> | string;
  /** Where the relay's operator wants a challenge solved before a code is sent: gives the answer. Asked only then. */
  readonly challenge?: ChallengeSource;
  /** When the new number has an account with a registration lock: its PIN. */
  readonly pin?: PinSource;
  /** Have a new code sent even though an earlier one still works: it did not arrive. */
  readonly resendCode?: boolean;
  readonly signal?: AbortSignal;
}

/** What `NumberChange` works with. */
export interface NumberChangeParts {
  readonly executor: Executor;
  readonly queries: StoreQueries;
  readonly anonymous: HttpClient;
  readonly http: AuthorizedClient;
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
}

const chatPage = 256;

/**
 * Gives the own account another number, under the same user id.
 *
 * The relay moves it in one step; then the number here and a word to each accepted contact are one commit. After a crash or a lost answer `change` is called again: a number that the relay has moved already needs no second code.
 */
export class NumberChange {
  readonly #parts: NumberChangeParts;
  #attemptsLeft: number | undefined;

  constructor(parts: NumberChangeParts) {
    this.#parts = parts;
  }

  /**
   * @returns the chats whose contacts are to be told
   * @throws {SottoError} `number-invalid`, `code-invalid`, those of a code (call again), `number-barred`, `rate-limited`, `code-sender-unavailable`, `challenge-required`, `registration-locked`, `pin-invalid`, `primary-only`, `not-registered`, `session-ended`, and as AuthorizedClient
   */
  async change(options: ChangeNumberOptions): Promise<readonly ChatId[]> {
    const { http, origin } = this.#parts;
    const { signal } = options;
    const number = parsePhoneNumber(options.phone);
    rootSecretOf(origin().account);
    // Also where the number here is the one asked for: after a lost answer the relay may have another.
    if ((await requestAccount(http, { signal })).number !== number) await this.#move(number, options);
    else if (number === origin().account.number) return [];
    return this.#commit(number);
  }

  async #move(number: string, options: ChangeNumberOptions): Promise<void> {
    const { executor, http, origin } = this.#parts;
    const { signal } = options;
    const draft = await this.#verification(number, options);
    const code = readCode(await abortable(Promise.resolve(options.code({ attemptsLeft: this.#attemptsLeft })), signal));
    const { verificationId } = draft;
    const { account, sha256 } = origin();
    const proof = proofOf(account, 'number', new TextEncoder().encode(verificationId), sha256);
    try {
      await withPin(
        (lockSecret) =>
          requestNumber(http, { verificationId, code, proof, ...(lockSecret && { lockSecret }) }, { signal }),
        options.pin,
        signal,
      );
    } catch (error) {
      const verdict = verdictOn(error);
      this.#attemptsLeft = verdict === 'other-code' && error instanceof SottoError ? error.attemptsLeft : undefined;
      const next = draftAfter(draft, verdict);
      await executor.run(['account'], (overlay) => {
        if (next) overlay.put('registration', next);
        else overlay.delete('registration', {});
      });
      throw error;
    }
  }

  /** A code for the number: the one that was sent before, while it works. */
  async #verification(
    number: string,
    { resendCode, challenge, signal }: ChangeNumberOptions,
  ): Promise<RegistrationRecord> {
    const { executor, anonymous, clock } = this.#parts;
    const known = await executor.run(['account'], (overlay) => overlay.get('registration', {}));
    const usable = known?.number === number && known.verificationId !== '' && clock.now() < known.expiresAt;
    if (known && usable && !resendCode) return known;
    const { verificationId, expiresInMs } = await requestCode(anonymous, number, { challenge, signal });
    this.#attemptsLeft = undefined;
    const expiresAt = clock.now() + expiresInMs;
    const draft: RegistrationRecord = { number, verificationId, expiresAt, account: undefined, request: undefined };
    await executor.run(['account'], (overlay) => overlay.put('registration', draft));
    return draft;
  }

  async #commit(number: string): Promise<readonly ChatId[]> {
    const { executor, clock } = this.#parts;
    const contacts = await this.#contacts();
    const chats = contacts.map(chatWith);
    await executor.run(['account', ...chats.map(chatLock)], async (overlay) => {
      const account = await overlay.get('account', {});
      if (account === undefined || account.ended) return;
      overlay.delete('registration', {});
      if (account.number === number) return;
      const now = clock.now();
      overlay.put('account', { ...account, number });
      const self = await overlay.get('user', { id: account.userId });
      if (self) overlay.put('user', { ...self, number, updatedAt: now });
      for (const contact of contacts) {
        if (!(await hasBlocked(overlay, contact))) this.#tell(overlay, contact, number, account.number, now);
      }
      await tellOfAccount(overlay, this.#parts.origin, now);
    });
    return [...chats, ownQueue(this.#parts.origin().account)];
  }

  /** People whom the user wrote to, looked up or accepted. */
  async #contacts(): Promise<readonly UserId[]> {
    const contacts: UserId[] = [];
    let below: number | undefined;
    for (;;) {
      const page = await this.#parts.queries.chats(below, chatPage);
      for (const { accepted, userId } of page) if (accepted && userId !== undefined) contacts.push(userId);
      const last = page.at(-1);
      if (last === undefined) return contacts;
      below = last.activity;
    }
  }

  #tell(overlay: Overlay, contact: UserId, number: string, former: string, now: number): void {
    const origin = this.#parts.origin();
    const sealedNumber = sealNumber(number, former, origin.randomness);
    addHiddenContent(overlay, origin, contact, { accountNotice: { sealedNumber } }, now);
  }
}
