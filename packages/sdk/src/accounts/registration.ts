import { fromBase64Url, type RegistrationAnswer, signedBytesOfRecovery, toBase64Url } from '@sotto/proto';
import { asBuffer } from '../crypto/as-buffer.ts';
import type { Executor } from '../crypto/executor.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { type CheckedDeviceList, verifyDeviceList } from '../devices/device-list.ts';
import type { AccountRecord, RegistrationRecord } from '../ports/account-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { Tracer } from '../ports/tracer.ts';
import { SottoError } from '../sotto-error.ts';
import { abortable } from '../transport/abortable.ts';
import { requestRecovery } from '../transport/account-calls.ts';
import type { HttpClient } from '../transport/http-client.ts';
import { requestRegistration } from '../transport/registration-calls.ts';
import { accessExpiry } from './access-expiry.ts';
import { type ChallengeSource, requestCode } from './challenge.ts';
import { forgetFormerIdentity } from './former-identity.ts';
import { newAccount, type RecoveredAccount } from './new-account.ts';
import { putOwnRecords } from './own-records.ts';
import { parsePhoneNumber } from './phone-number.ts';
import { type PinSource, withPin } from './pin.ts';
import type { Profiles } from './profile.ts';
import { formatRecoveryKey, parseRecoveryKey, rootKeyOf } from './recovery-key.ts';
import {
  draftAfter,
  dropDraft,
  idempotencyKeyOf,
  isLinkDraft,
  keylessRequest,
  prekeysOf,
  verdictOn,
  wasAsked,
  withCode,
  withLockSecret,
} from './registration-draft.ts';
import { checkAvatar } from './sealed-profile.ts';
import { rootSecretOf } from './standing.ts';
import { checkUsername } from './username.ts';
import { type CodeContext, readCode } from './verification-code.ts';

/** What a registration needs. */
export interface RegisterOptions {
  /** With its country code, like +14155550101. */
  readonly phone: string;
  readonly profile: { readonly username: string; readonly avatar?: Uint8Array };
  /** Asks the user for the code that was sent. */
  readonly code: (context: CodeContext) => Promise<string> | string;
  /** Where the relay's operator wants a challenge solved before a code is sent: gives the answer. Asked only then. */
  readonly challenge?: ChallengeSource;
  /** The recovery key of the account that has the number: keeps its user id, and ends its devices. Without it another account is made. */
  readonly recoveryKey?: string;
  /** When the number has an account with a registration lock: its PIN. */
  readonly pin?: PinSource;
  /** Have a new code sent even though an earlier one still works: it did not arrive. */
  readonly resendCode?: boolean;
  readonly signal?: AbortSignal;
}

/** A new account. */
export interface Registered {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** To be kept by the user, off this device. Secret. */
  readonly recoveryKey: string;
  /** False when the avatar, or a name that was changed meanwhile, did not reach the relay: call `profile.set` again. */
  readonly profileStored: boolean;
}

/** What `Registration` works with. */
export interface RegistrationParts {
  readonly executor: Executor;
  readonly queries: StoreQueries;
  readonly http: HttpClient;
  readonly profiles: Pick<Profiles, 'set'>;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly sha256: Sha256;
  readonly logger: Logger;
  readonly tracer: Tracer;
}

const locks = ['account', 'prekeys'];

/**
 * Makes an account for this device.
 *
 * A draft is committed before the relay is asked, so that a crash or a lost answer at any step is mended by calling `register` again: the same request is repeated, and no second code is sent while one works.
 */
export class Registration {
  readonly #parts: RegistrationParts;
  #attemptsLeft: number | undefined;
  #underWay = false;

  constructor(parts: RegistrationParts) {
    this.#parts = parts;
  }

  /**
   * Registers a phone number. Everything given is checked before anything is sent.
   * @throws {SottoError} `number-invalid`, `username-invalid`, `avatar-too-large`, `already-registered`, `argument-invalid` (another call is under way), `code-invalid` (not digits; nothing was sent), `code-wrong` (with `attemptsLeft`: call again), `code-void`, `code-expired`, `code-used`, `verification-unknown` (call again: a new code is sent), `number-barred`, `rate-limited`, `code-sender-unavailable`, `challenge-required`, `recovery-key-invalid` (mistyped), `recovery-key-wrong` (of another account; nothing was changed), `registration-locked` (with `attemptsLeft`, and `retryAfterMs` while a wait lasts; call again with the PIN), `pin-invalid`, and as HttpClient
   */
  async register(options: RegisterOptions): Promise<Registered> {
    const { profile, signal } = options;
    const number = parsePhoneNumber(options.phone);
    checkUsername(profile.username);
    if (profile.avatar) checkAvatar(profile.avatar);
    const { recoveryKey: typed } = options;
    const rootSecret = typed === undefined ? undefined : parseRecoveryKey(typed, this.#parts.sha256);
    signal?.throwIfAborted();
    if (this.#underWay) throw new SottoError('argument-invalid', 'a registration is under way: wait for its end');
    this.#underWay = true;
    try {
      const account = await this.#registerNumber(number, rootSecret, options);
      const { userId, deviceId } = account;
      const recoveryKey = formatRecoveryKey(rootSecretOf(account), this.#parts.sha256);
      return { userId, deviceId, recoveryKey, profileStored: await this.#storeProfile(account, options) };
    } finally {
      this.#underWay = false;
    }
  }

  async #registerNumber(
    number: string,
    rootSecret: Uint8Array | undefined,
    options: RegisterOptions,
  ): Promise<AccountRecord> {
    let draft = await this.#draftFor(number, rootSecret);
    if (draft && wasAsked(draft)) {
      try {
        return await this.#ask(draft, options);
      } catch (error) {
        const verdict = await this.#judge(draft, error);
        if (verdict !== 'other-code' && verdict !== 'other-verification') throw error;
        draft = draftAfter(draft, verdict);
      }
    }
    const verified = await this.#withVerification(number, draft, options);
    const given = await abortable(Promise.resolve(options.code({ attemptsLeft: this.#attemptsLeft })), options.signal);
    const code = readCode(given);
    const { username } = options.profile;
    const recovers =
      rootSecret && verified.account === undefined
        ? { rootSecret, list: await this.#findAccount(verified, code, rootSecret, options.signal) }
        : undefined;
    const ready = await this.#withRequest(verified, code, username, recovers);
    try {
      return await this.#ask(ready, options);
    } catch (error) {
      await this.#judge(ready, error);
      throw error;
    }
  }

  /** The draft of this number. One of another number is dropped, with its keys; of one under another recovery key the verification is kept. */
  #draftFor(number: string, rootSecret: Uint8Array | undefined): Promise<RegistrationRecord | undefined> {
    return this.#parts.executor.run(locks, async (overlay) => {
      const account = await overlay.get('account', {});
      if (account && !account.ended) {
        throw new SottoError('already-registered', 'this store has an account: open another store for another one');
      }
      const draft = await overlay.get('registration', {});
      if (draft === undefined) return undefined;
      const sameNumber = draft.number === number && !isLinkDraft(draft);
      const drafted = draft.account?.rootSecret;
      if (sameNumber && (!drafted || !rootSecret || sameBytes(drafted, rootSecret))) return draft;
      dropDraft(overlay, draft);
      if (!sameNumber) return undefined;
      const kept = { ...draft, account: undefined, request: keylessOf(draft) };
      overlay.put('registration', kept);
      return kept;
    });
  }

  /** Writes down what an answer means, and says it. */
  async #judge(draft: RegistrationRecord, error: unknown) {
    const verdict = verdictOn(error);
    if (verdict === 'repeat') return verdict;
    this.#attemptsLeft = verdict === 'other-code' && error instanceof SottoError ? error.attemptsLeft : undefined;
    const next = draftAfter(draft, verdict);
    await this.#parts.executor.run(locks, (overlay) => {
      if (next) overlay.put('registration', next);
      else dropDraft(overlay, draft);
    });
    return verdict;
  }

  async #withVerification(
    number: string,
    draft: RegistrationRecord | undefined,
    { resendCode = false, challenge, signal }: RegisterOptions,
  ): Promise<RegistrationRecord> {
    const { executor, http, clock } = this.#parts;
    if (draft && draft.verificationId !== '' && clock.now() < draft.expiresAt && !resendCode) return draft;
    const { verificationId, expiresInMs } = await requestCode(http, number, { challenge, signal });
    this.#attemptsLeft = undefined;
    const verified: RegistrationRecord = {
      number,
      verificationId,
      expiresAt: clock.now() + expiresInMs,
      account: draft?.account,
      request: draft?.request,
    };
    await executor.run(locks, (overlay) => overlay.put('registration', verified));
    return verified;
  }

  /** Asks which account the root key has. The key under which the code is claimed is committed before, so that it can be asked again. */
  async #findAccount(
    verified: RegistrationRecord,
    code: string,
    rootSecret: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<CheckedDeviceList> {
    const { executor, http, randomness, sha256 } = this.#parts;
    const { verificationId } = verified;
    const idempotencyKey = idempotencyKeyOf(verified) ?? toBase64Url(randomness.bytes(16));
    const draft = { ...verified, request: keylessRequest(idempotencyKey) };
    await executor.run(locks, (overlay) => overlay.put('registration', draft));
    const rootKey = rootKeyOf(rootSecret);
    const message = signedBytesOfRecovery(verificationId, fromBase64Url(idempotencyKey));
    const request = {
      verificationId,
      code,
      idempotencyKey,
      rootKey: toBase64Url(rootKey.getPublicKey().serialize()),
      signature: toBase64Url(rootKey.sign(asBuffer(message))),
    };
    try {
      const { userId, deviceList } = await requestRecovery(http, request, { signal });
      const list = verifyDeviceList(deviceList, userId as UserId, sha256);
      if (sameBytes(list.rootKey, rootKey.getPublicKey().serialize())) return list;
      throw new SottoError('relay-misbehaved', 'the relay named an account that this recovery key is not of');
    } catch (error) {
      await this.#judge(draft, error);
      throw error;
    }
  }

  /** Commits the keys, if they were not made yet, and the request with this code. */
  #withRequest(
    draft: RegistrationRecord,
    code: string,
    username: string,
    recovers: RecoveredAccount | undefined,
  ): Promise<RegistrationRecord> {
    const { executor, queries, clock, randomness } = this.#parts;
    const { number, verificationId } = draft;
    return executor.run(
      locks,
      async (overlay) => {
        const known = (await overlay.get('registration', {})) ?? draft;
        let { account, request } = known;
        if (account === undefined || request === undefined) {
          const existing = await queries.prekeys();
          const idempotencyKey = idempotencyKeyOf(known) ?? toBase64Url(randomness.bytes(16));
          const now = clock.now();
          const made = newAccount({ number, username, now, randomness, existing, idempotencyKey, recovers });
          for (const prekey of made.prekeys) overlay.put('prekey', prekey);
          account = made.account;
          request = JSON.stringify(made.request);
        }
        const ready = { ...draft, account, request: withCode(request, verificationId, code) };
        overlay.put('registration', ready);
        return ready;
      },
      { after: 'registration.draft-committed' },
    );
  }

  async #ask(draft: RegistrationRecord, { pin, signal }: RegisterOptions): Promise<AccountRecord> {
    const { http, tracer } = this.#parts;
    const { account, request } = draft;
    if (account === undefined || request === undefined) {
      throw new SottoError('internal', 'a registration was asked for without its keys: report this');
    }
    const answer = await withPin(
      (lockSecret) => requestRegistration(http, lockSecret ? withLockSecret(request, lockSecret) : request, { signal }),
      pin,
      signal,
    );
    tracer.reached('registration.answered');
    if (answer.userId !== account.userId || answer.deviceId !== account.deviceId) {
      throw new SottoError('relay-misbehaved', 'the relay made another account than the one asked for');
    }
    return this.#commitAccount(draft, account, answer);
  }

  #commitAccount(
    draft: RegistrationRecord,
    drafted: AccountRecord,
    answer: RegistrationAnswer,
  ): Promise<AccountRecord> {
    const { executor, queries, clock, sha256 } = this.#parts;
    const now = clock.now();
    const account: AccountRecord = {
      ...drafted,
      accessToken: answer.accessToken,
      accessExpiresAt: accessExpiry(now, answer.accessExpiresInMs),
    };
    return executor.run(
      locks,
      async (overlay) => {
        const uploaded = await Promise.all(prekeysOf(draft).map((key) => overlay.get('prekey', key)));
        const former = await overlay.get('account', {});
        if (former) await forgetFormerIdentity(overlay, queries, former, account, sha256);
        for (const prekey of uploaded) if (prekey) overlay.put('prekey', { ...prekey, uploaded: true });
        overlay.put('account', account);
        overlay.delete('registration', {});
        putOwnRecords(overlay, account, now, sha256);
        return account;
      },
      { after: 'registration.committed', alone: true },
    );
  }

  /** The account stands; what is left of the profile is tried once, and its failure told. */
  async #storeProfile(account: AccountRecord, { profile, signal }: RegisterOptions): Promise<boolean> {
    if (profile.avatar === undefined && profile.username === account.username) return true;
    try {
      await this.#parts.profiles.set({ ...profile, ...(signal && { signal }) });
      return true;
    } catch (error) {
      const code = error instanceof SottoError ? error.code : 'internal';
      this.#parts.logger.warn('registration.profile-not-stored', { code });
      return false;
    }
  }
}

function keylessOf(draft: RegistrationRecord): string | undefined {
  const idempotencyKey = idempotencyKeyOf(draft);
  return idempotencyKey && keylessRequest(idempotencyKey);
}
