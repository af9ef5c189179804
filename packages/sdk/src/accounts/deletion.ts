import { fromBase64Url, toBase64Url } from '@sotto/proto';
import type { Executor } from '../crypto/executor.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { Tracer } from '../ports/tracer.ts';
import { SottoError } from '../sotto-error.ts';
import { requestDeletion } from '../transport/account-calls.ts';
import { authorizedClient } from '../transport/authorized-client.ts';
import type { CallOptions, HttpClient } from '../transport/http-client.ts';
import type { TokenSource } from '../transport/token-source.ts';
import { proofOf } from './account-proof.ts';
import { forgetFormerIdentity } from './former-identity.ts';
import { rootSecretOf, sessionEnded } from './standing.ts';

/** What `Deletion` works with. */
export interface DeletionParts {
  readonly executor: Executor;
  readonly queries: StoreQueries;
  readonly http: HttpClient;
  readonly tokens: TokenSource;
  readonly sha256: Sha256;
  readonly tracer: Tracer;
  /** Leaves the groups of the account, as far as that can be done now. */
  readonly leaveGroups: () => Promise<void>;
}

const nothing = new Uint8Array(32);

/**
 * Ends the own account at the relay, then here; here alone when it turns out that this device does not have it any more.
 *
 * The proof is committed before the relay is asked, and the same proof is asked with until there is an answer: the relay knows it again, so a crash or a lost answer at any step is mended by `finish`.
 */
export class Deletion {
  readonly #parts: DeletionParts;
  /** Why the last end was one of this device alone: for all who asked for it. */
  #unconfirmed: SottoError | undefined;

  constructor(parts: DeletionParts) {
    this.#parts = parts;
  }

  /**
   * Leaves the groups, then writes down that the account is to end. Harmless when it was before.
   * @throws {SottoError} `not-registered`, `session-ended`, `primary-only`
   */
  async begin(): Promise<void> {
    const { executor, sha256, leaveGroups } = this.#parts;
    const known = await this.#account();
    if (known?.rootSecret !== undefined && known.deletion === undefined && !known.ended) await leaveGroups();
    await executor.run(
      ['account'],
      async (overlay) => {
        const own = await overlay.get('account', {});
        if (own === undefined)
          throw new SottoError('not-registered', 'this store has no account: there is none to end');
        if (own.deletion !== undefined) return;
        if (own.ended) throw sessionEnded(own.endReason);
        rootSecretOf(own);
        const proof = proofOf(own, 'delete', new Uint8Array(), sha256);
        overlay.put('account', { ...own, deletion: fromBase64Url(proof) });
      },
      { after: 'deletion.begun' },
    );
  }

  /**
   * Carries out what was begun, here in one commit: secrets are overwritten, prekeys and sessions deleted, and what had not left is `failed`. People and history stay.
   *
   * A session that the relay had ended before is an end, too: the device can prove nothing any more, so what it has of the account is of no use but to a thief. `account.deleted` says that it was not confirmed.
   * @returns why the relay did not do it and never will: `session-ended`, done here alone; else a refusal, and the account is not to end any more
   * @throws {SottoError} as AuthorizedClient: to be asked again
   */
  async finish(options: CallOptions = {}): Promise<SottoError | undefined> {
    const own = await this.#account();
    if (own?.deletion === undefined) return own && isDeleted(own) ? this.#unconfirmed : undefined;
    const { deletion } = own;
    try {
      await this.#ask(own, deletion, options);
    } catch (error) {
      const now = await this.#account();
      // Another one who asked meanwhile was answered.
      if (now !== undefined && isDeleted(now)) return this.#unconfirmed;
      if (error instanceof SottoError && error.code === 'session-ended') return this.#endHere(deletion, error);
      if (!isRefusal(error)) throw error;
      await this.#withdraw(deletion);
      return error;
    }
    this.#parts.tracer.reached('deletion.answered');
    await this.#commitEnd(deletion, undefined);
    return undefined;
  }

  async #endHere(deletion: Uint8Array, cause: SottoError): Promise<SottoError | undefined> {
    const message =
      'the relay had ended the session of this device: the account is deleted here, and was not by this at the relay';
    await this.#commitEnd(deletion, new SottoError('session-ended', message, { endReason: cause.endReason, cause }));
    return this.#unconfirmed;
  }

  /** With the token as it was: when it ended with the account, the relay knows by the proof that it did what it was asked for. */
  async #ask({ accessToken }: AccountRecord, deletion: Uint8Array, options: CallOptions): Promise<void> {
    const { http, tokens } = this.#parts;
    const source = {
      accessToken: async () => accessToken,
      replace: (refused: string, signal?: AbortSignal) => tokens.replace(refused, signal),
    };
    try {
      await requestDeletion(authorizedClient(http, source), { proof: toBase64Url(deletion) }, options);
    } catch (error) {
      // Ended while it was being asked for.
      if (!(error instanceof SottoError && error.code === 'user-unknown')) throw error;
    }
  }

  #account(): Promise<AccountRecord | undefined> {
    return this.#parts.executor.run([], (overlay) => overlay.get('account', {}));
  }

  async #withdraw(deletion: Uint8Array): Promise<void> {
    await this.#parts.executor.run(['account'], async (overlay) => {
      const own = await overlay.get('account', {});
      if (own?.deletion && sameBytes(own.deletion, deletion)) overlay.put('account', { ...own, deletion: undefined });
    });
  }

  /** Harmless when another one has come first. */
  async #commitEnd(deletion: Uint8Array, unconfirmed: SottoError | undefined): Promise<void> {
    const { executor, queries, sha256 } = this.#parts;
    const ended = await executor.run(
      ['account', 'prekeys'],
      async (overlay) => {
        const own = await overlay.get('account', {});
        if (!own?.deletion || !sameBytes(own.deletion, deletion)) return false;
        await forgetFormerIdentity(overlay, queries, own, own, sha256);
        overlay.delete('registration', {});
        overlay.put('account', {
          ...own,
          identityKeyPair: new Uint8Array(own.identityKeyPair.length),
          formerIdentities: [],
          devicePrivateKey: nothing,
          rootSecret: own.rootSecret && nothing,
          profileKey: nothing,
          nextProfileKey: undefined,
          refreshToken: nothing,
          nextRefreshToken: undefined,
          accessToken: '',
          ended: true,
          endReason: own.endReason ?? (unconfirmed === undefined ? 'account-deleted' : undefined),
          deletion: undefined,
        });
        overlay.record({ type: 'account.deleted', userId: own.userId, confirmed: unconfirmed === undefined });
        return true;
      },
      { after: 'deletion.committed', alone: true },
    );
    if (ended) this.#unconfirmed = unconfirmed;
  }
}

function isDeleted({ ended, accessToken }: AccountRecord): boolean {
  return ended && accessToken === '';
}

/** Whether the relay has said that it will not do it, however often it is asked with this proof. A token that it does not take says nothing of the deletion: the next try has another one. */
function isRefusal(error: unknown): error is SottoError {
  if (!(error instanceof SottoError) || error.retryable) return false;
  return error.relayCode !== undefined && error.relayCode !== 'token-invalid';
}
