import { PrivateKey } from '#libsignal';
import { accessExpiry } from '../accounts/access-expiry.ts';
import { forgetFormerIdentity } from '../accounts/former-identity.ts';
import { linkedAccount } from '../accounts/linked-account.ts';
import { randomRegistrationId } from '../accounts/new-account.ts';
import { putOwnRecords } from '../accounts/own-records.ts';
import { dropDraft, isLinkDraft, prekeysOf } from '../accounts/registration-draft.ts';
import type { Executor } from '../crypto/executor.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import type { AccountRecord, RegistrationRecord } from '../ports/account-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { Tracer } from '../ports/tracer.ts';
import { SottoError } from '../sotto-error.ts';
import { addSync } from '../sync/own-sync.ts';
import type { CallOptions, HttpClient } from '../transport/http-client.ts';
import { type OpenLink, pollLink, requestDeviceRegistration, requestLink } from '../transport/linking-calls.ts';
import { isConfirmed } from './confirmed.ts';
import { checkDeviceName } from './device-name.ts';
import { formatLink, type LinkRequestCode } from './link-code.ts';
import { openProvision } from './provision.ts';

/** What linking this device to an account needs. */
export interface LinkDeviceOptions {
  /** What this device is to be called among the user's own: 1..50 characters. */
  readonly name: string;
  /** Shows the code, best as a QR code: the primary device scans it and calls `devices.link`. It works once, for two minutes. */
  readonly onCode: (code: string) => void;
  /**
   * Asks the user whether this is the account that the device is to join, before it does. Whoever else sees the code first and lets it in with an account of their own would read all that is written on this device from then on.
   *
   * `true` joins it; after `false` and `undefined` it is `link-declined`, and anything else is `argument-invalid`. Left out, every account is joined: leave it out only where nobody else can see the code. The relay waits two minutes for the answer, and then it is `link-expired`.
   */
  readonly confirm?: (account: LinkableAccount) => Promise<boolean> | boolean;
  readonly signal?: AbortSignal;
}

/** The account that somebody has let this device into. */
export interface LinkableAccount {
  readonly userId: UserId;
  /** E.164. */
  readonly number: string;
  readonly username: string;
}

/** Where this device has come to. */
export interface Linked {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** E.164. */
  readonly number: string;
}

/** What `DeviceLinking` works with. */
export interface DeviceLinkingParts {
  readonly executor: Executor;
  readonly queries: StoreQueries;
  readonly http: HttpClient;
  /** What contents of an account say that it is. */
  readonly originOf: (account: AccountRecord) => ContentOrigin;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly sha256: Sha256;
  readonly tracer: Tracer;
}

const locks = ['account', 'prekeys'];

/**
 * Makes this device one of an account that is on another device.
 *
 * What the primary device leaves for it is committed with all keys before the relay is asked, so that a crash or a lost answer from there on is mended by calling `link` again: the same request is repeated, and no code is shown.
 */
export class DeviceLinking {
  readonly #parts: DeviceLinkingParts;
  #underWay = false;

  constructor(parts: DeviceLinkingParts) {
    this.#parts = parts;
  }

  /**
   * Shows a code, waits for the primary device, and registers this one.
   * @throws {SottoError} `argument-invalid` (the name; another call is under way; `confirm` gave something that is no boolean), `already-registered`, `link-declined` (the user said no: nothing was kept, and no device was made), `link-expired` (nobody scanned the code in time, or the account has changed meanwhile: call again), `link-invalid` (what came is not to be trusted), and as HttpClient
   */
  async link(options: LinkDeviceOptions): Promise<Linked> {
    checkDeviceName(options.name);
    options.signal?.throwIfAborted();
    if (this.#underWay) throw new SottoError('argument-invalid', 'a linking is under way: wait for its end');
    this.#underWay = true;
    try {
      const draft = (await this.#draft()) ?? (await this.#newDraft(options));
      const { userId, deviceId, number } = await this.#ask(draft, options);
      return { userId, deviceId, number };
    } finally {
      this.#underWay = false;
    }
  }

  /** The draft of a linking that was cut off. That of a number is dropped, with its keys. */
  #draft(): Promise<RegistrationRecord | undefined> {
    return this.#parts.executor.run(locks, async (overlay) => {
      const account = await overlay.get('account', {});
      if (account && !account.ended) {
        throw new SottoError('already-registered', 'this store has an account: open another store to link a device');
      }
      const draft = await overlay.get('registration', {});
      if (draft === undefined || isLinkDraft(draft)) return draft;
      dropDraft(overlay, draft);
      return undefined;
    });
  }

  async #newDraft({ name, onCode, confirm, signal }: LinkDeviceOptions): Promise<RegistrationRecord> {
    const { http, randomness, sha256 } = this.#parts;
    const device = PrivateKey.generate();
    const deviceKey = device.getPublicKey().serialize();
    const place = await requestLink(http, deviceKey, { signal });
    const code: LinkRequestCode = {
      linkId: place.linkId,
      deviceKey,
      registrationId: randomRegistrationId(randomness),
      secret: randomness.bytes(16),
      name,
    };
    onCode(formatLink(code));
    const sealed = await this.#wait(place, { signal });
    const { provision } = openProvision(sealed, code, device, sha256);
    if (confirm !== undefined) {
      const { userId, number, username } = provision;
      if (!isConfirmed('linkDevice', await confirm({ userId, number, username }))) throw declined();
      signal?.throwIfAborted();
    }
    return this.#commitDraft((existing, now) =>
      linkedAccount({ provision, registrationId: code.registrationId, device, now, randomness, existing }),
    );
  }

  async #wait(place: OpenLink, options: CallOptions): Promise<Uint8Array> {
    try {
      for (;;) {
        const message = await pollLink(this.#parts.http, place, options);
        if (message !== undefined) return message;
      }
    } catch (error) {
      if (error instanceof SottoError && error.relayCode === 'link-unknown') throw expired(error);
      throw error;
    }
  }

  #commitDraft(
    make: (existing: Awaited<ReturnType<StoreQueries['prekeys']>>, now: number) => ReturnType<typeof linkedAccount>,
  ): Promise<RegistrationRecord> {
    const { executor, queries, clock } = this.#parts;
    return executor.run(
      locks,
      async (overlay) => {
        const { account, prekeys, request } = make(await queries.prekeys(), clock.now());
        for (const prekey of prekeys) overlay.put('prekey', prekey);
        const draft: RegistrationRecord = {
          number: account.number,
          verificationId: '',
          expiresAt: 0,
          account,
          request: JSON.stringify(request),
        };
        overlay.put('registration', draft);
        return draft;
      },
      { after: 'registration.draft-committed' },
    );
  }

  async #ask(draft: RegistrationRecord, { signal }: LinkDeviceOptions): Promise<AccountRecord> {
    const { executor, http, clock, tracer } = this.#parts;
    const { account: drafted, request } = draft;
    if (drafted === undefined || request === undefined) {
      throw new SottoError('internal', 'a linking was asked for without its keys: report this');
    }
    try {
      const answer = await requestDeviceRegistration(http, request, { signal });
      tracer.reached('registration.answered');
      if (answer.userId !== drafted.userId || answer.deviceId !== drafted.deviceId) {
        throw new SottoError('relay-misbehaved', 'the relay made another device than the one asked for');
      }
      const accessExpiresAt = accessExpiry(clock.now(), answer.accessExpiresInMs);
      return await this.#commitAccount(draft, { ...drafted, accessToken: answer.accessToken, accessExpiresAt });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await executor.run(locks, (overlay) => dropDraft(overlay, draft));
      throw expired(error);
    }
  }

  #commitAccount(draft: RegistrationRecord, account: AccountRecord): Promise<AccountRecord> {
    const { executor, queries, clock, sha256, originOf } = this.#parts;
    const now = clock.now();
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
        addSync(overlay, originOf(account), { snapshotRequest: {} }, now);
        return account;
      },
      { after: 'registration.committed', alone: true },
    );
  }
}

/** Whether the relay has said that this request will never succeed: the code was used or is too old, or the list was replaced meanwhile. */
function isRefusal(error: unknown): error is SottoError {
  if (!(error instanceof SottoError) || error.retryable) return false;
  return error.relayCode !== undefined && error.code !== 'rate-limited';
}

function declined(): SottoError {
  return new SottoError(
    'link-declined',
    'this device was not to join the account that let it in: call linkDevice again, and show its code to your own device only',
  );
}

function expired(cause: SottoError): SottoError {
  return new SottoError(
    'link-expired',
    'the code was not used in time, or the account has changed meanwhile: show a new one',
    { retryable: true, cause, ...(cause.relayCode && { relayCode: cause.relayCode }) },
  );
}
