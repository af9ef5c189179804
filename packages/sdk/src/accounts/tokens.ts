import { type TokenAnswer, toBase64Url } from '@sotto/proto';
import { clientStopped } from '../client-stopped.ts';
import type { Executor } from '../crypto/executor.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { Tracer } from '../ports/tracer.ts';
import { type SessionEnd, SottoError } from '../sotto-error.ts';
import { abortable } from '../transport/abortable.ts';
import type { HttpClient } from '../transport/http-client.ts';
import { refreshTokens } from '../transport/token-calls.ts';
import type { TokenSource } from '../transport/token-source.ts';
import { accessExpiry } from './access-expiry.ts';
import { sessionEnded, sessionEndOf, usableAccount } from './standing.ts';

const tokenBytes = 32;

/** What `Tokens` works with. */
export interface TokenParts {
  readonly executor: Executor;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly tracer: Tracer;
}

/**
 * The tokens of this device: kept in the account, refreshed one at a time.
 *
 * The next refresh token is committed before it is asked for, and the same pair is asked for until there is an answer: a crash at any step costs nothing.
 */
export class Tokens implements TokenSource {
  readonly #parts: TokenParts;
  readonly #ending = new AbortController();
  #refreshing: Promise<string> | undefined;

  constructor(parts: TokenParts) {
    this.#parts = parts;
  }

  async accessToken(signal?: AbortSignal): Promise<string> {
    const account = await this.#account();
    if (this.#parts.clock.now() < account.accessExpiresAt) return account.accessToken;
    return abortable(this.#refresh(), signal);
  }

  async replace(refused: string, signal?: AbortSignal): Promise<string> {
    const account = await this.#account();
    if (account.accessToken !== refused) return account.accessToken;
    return abortable(this.#refresh(), signal);
  }

  /** Gives up a refresh that is under way. Idempotent. */
  async stop(): Promise<void> {
    this.#ending.abort(clientStopped());
    // Whoever waits for the refresh was told how it ended.
    await this.#refreshing?.then(
      () => undefined,
      () => undefined,
    );
  }

  #account(): Promise<AccountRecord> {
    return this.#parts.executor.run([], async (overlay) => usableAccount(await overlay.get('account', {})));
  }

  #refresh(): Promise<string> {
    this.#refreshing ??= this.#exchange().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #exchange(): Promise<string> {
    const { executor, http, tracer } = this.#parts;
    const { refreshToken, nextRefreshToken, wasAsked } = await this.#commitNext();
    tracer.reached('token.next-committed');
    let answer: TokenAnswer;
    try {
      answer = await refreshTokens(
        http,
        { refreshToken: toBase64Url(refreshToken), nextRefreshToken: toBase64Url(nextRefreshToken) },
        { signal: this.#ending.signal },
      );
    } catch (error) {
      if (!isEnd(error)) throw error;
      // The relay may have taken the next one so long ago that it has forgotten the one before, and its answer was lost.
      if (wasAsked && error.relayCode === 'token-invalid') return this.#exchangeAfter(refreshToken, nextRefreshToken);
      const endReason = sessionEndOf(error.relayCode);
      await this.#commitEnd(refreshToken, endReason);
      throw sessionEnded(endReason, error);
    }
    tracer.reached('token.answered');
    const { accessToken, accessExpiresInMs } = answer;
    const current = await executor.run(['account'], async (overlay) => {
      const account = usableAccount(await overlay.get('account', {}));
      if (!sameBytes(account.refreshToken, refreshToken)) return account;
      const next: AccountRecord = {
        ...account,
        refreshToken: nextRefreshToken,
        nextRefreshToken: undefined,
        accessToken,
        accessExpiresAt: accessExpiry(this.#parts.clock.now(), accessExpiresInMs),
      };
      overlay.put('account', next);
      return next;
    });
    tracer.reached('token.committed');
    return current.accessToken;
  }

  /** Goes on from the next token, as if the relay had said that it took it; if it did not, that is the end. */
  async #exchangeAfter(refreshToken: Uint8Array, nextRefreshToken: Uint8Array): Promise<string> {
    await this.#parts.executor.run(['account'], async (overlay) => {
      const account = usableAccount(await overlay.get('account', {}));
      if (!sameBytes(account.refreshToken, refreshToken)) return;
      overlay.put('account', { ...account, refreshToken: nextRefreshToken, nextRefreshToken: undefined });
    });
    return this.#exchange();
  }

  #commitNext(): Promise<{ refreshToken: Uint8Array; nextRefreshToken: Uint8Array; wasAsked: boolean }> {
    return this.#parts.executor.run(['account'], async (overlay) => {
      const account = usableAccount(await overlay.get('account', {}));
      const nextRefreshToken = account.nextRefreshToken ?? this.#parts.randomness.bytes(tokenBytes);
      if (account.nextRefreshToken === undefined) overlay.put('account', { ...account, nextRefreshToken });
      return {
        refreshToken: account.refreshToken,
        nextRefreshToken,
        wasAsked: account.nextRefreshToken !== undefined,
      };
    });
  }

  async #commitEnd(refreshToken: Uint8Array, endReason: SessionEnd | undefined): Promise<void> {
    await this.#parts.executor.run(['account'], async (overlay) => {
      const account = await overlay.get('account', {});
      if (account && !account.ended && sameBytes(account.refreshToken, refreshToken)) {
        overlay.put('account', { ...account, formerIdentities: [], ended: true, endReason });
      }
    });
  }
}

/** Whether the relay says that the chain of refresh tokens is at its end. */
function isEnd(error: unknown): error is SottoError {
  if (!(error instanceof SottoError)) return false;
  return error.relayCode === 'token-invalid' || sessionEndOf(error.relayCode) !== undefined;
}
