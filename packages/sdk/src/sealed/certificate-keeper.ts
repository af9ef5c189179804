import { LibSignalErrorBase, SenderCertificate } from '#libsignal';
import { clientStopped } from '../client-stopped.ts';
import { asBuffer } from '../crypto/as-buffer.ts';
import type { Executor } from '../crypto/executor.ts';
import { Hold } from '../crypto/hold.ts';
import { certifiedSender } from '../crypto/sealed-certificate.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { CertificateRecord } from '../ports/device-records.ts';
import type { Logger } from '../ports/logger.ts';
import { SottoError } from '../sotto-error.ts';
import type { AuthorizedClient, HttpClient } from '../transport/http-client.ts';
import { type FetchedCertificate, requestSenderCertificate, requestTrustRoots } from '../transport/sealed-calls.ts';
import { isDue, isFor, usableCertificate } from './own-certificate.ts';

/** The lock under which the record of certificates changes. */
export const certificateLock = 'certificate';

/**
 * Keeps a certificate of this device at hand, by which people learn who wrote to them when the relay does not.
 *
 * The relay's trust roots are pinned when they are first seen, at registration; afterwards no other is believed, neither of the relay nor of people who write.
 */
export class CertificateKeeper {
  private readonly executor: Executor;
  private readonly anonymous: HttpClient;
  private readonly http: AuthorizedClient;
  private readonly account: () => AccountRecord;
  private readonly relayNow: () => number;
  private readonly logger: Logger;
  private readonly onPinned: () => void;
  private readonly ending = new AbortController();
  private asking: Promise<void> | undefined;
  private refused = false;
  private pinned: readonly Uint8Array[] | undefined;

  constructor(parts: {
    readonly executor: Executor;
    readonly anonymous: HttpClient;
    readonly http: AuthorizedClient;
    readonly account: () => AccountRecord;
    /** The time by the relay's clock. */
    readonly relayNow: () => number;
    readonly logger: Logger;
    /** The roots are pinned: what came before and is held for want of them can be opened. */
    readonly onPinned: () => void;
  }) {
    this.executor = parts.executor;
    this.anonymous = parts.anonymous;
    this.http = parts.http;
    this.account = parts.account;
    this.relayNow = parts.relayNow;
    this.logger = parts.logger;
    this.onPinned = parts.onPinned;
  }

  /** The roots that are believed: those that were pinned, or that can be pinned now; none when they can't be had. */
  async trustRoots(): Promise<readonly Uint8Array[]> {
    this.pinned ??= (await this.executor.run([], (overlay) => overlay.get('certificate', {})))?.trustRoots;
    if (this.pinned === undefined && !this.refused) this.wake();
    await this.asking?.catch(() => undefined);
    return this.pinned ?? [];
  }

  /** Whether there is no hope of a certificate now: this relay has none, or one under a root that is not pinned. It is asked again at the next `wake`. */
  get hopeless(): boolean {
    return this.refused;
  }

  /** Sees to it in the background that the certificate has enough left. */
  wake(): void {
    if (this.ending.signal.aborted) return;
    this.refused = false;
    this.ensure().catch((error: unknown) => {
      const code = error instanceof SottoError ? error.code : 'internal';
      if (!this.ending.signal.aborted) this.logger.info('certificate.not-renewed', { code });
    });
  }

  /**
   * Resolves when there is a certificate, or no hope of one.
   * @throws {SottoError} as AuthorizedClient, and what the store throws: it may be tried again
   */
  ensure(): Promise<void> {
    this.asking ??= this.ask().finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  /** Gives up what is under way. Idempotent. */
  async stop(): Promise<void> {
    this.ending.abort(clientStopped());
    await this.asking?.catch(() => undefined);
  }

  private async ask(): Promise<void> {
    const { signal } = this.ending;
    const known = await this.executor.run([], (overlay) => overlay.get('certificate', {}));
    if (known !== undefined && !isDue(known, this.account(), this.relayNow())) return;
    try {
      const trustRoots = known?.trustRoots ?? (await requestTrustRoots(this.anonymous, { signal }));
      if (trustRoots.length === 0) {
        this.refused = true;
        return;
      }
      await this.keep(known, trustRoots, await requestSenderCertificate(this.http, { signal }));
    } catch (error) {
      // Half of its time is left: it does until the next time.
      if (this.isUsable(known)) return;
      if (!(error instanceof SottoError) || error.retryable || error.relayCode === undefined) throw error;
      this.refused = true;
    }
  }

  private async keep(
    known: CertificateRecord | undefined,
    trustRoots: readonly Uint8Array[],
    fetched: FetchedCertificate,
  ): Promise<void> {
    const { certificate } = fetched;
    if (!this.isGenuine(certificate, trustRoots)) {
      this.refused = true;
      this.logger.warn('certificate.refused');
      return;
    }
    const expiresAt = SenderCertificate.deserialize(asBuffer(certificate)).expiration();
    const record: CertificateRecord = { trustRoots, certificate, expiresAt };
    // A new one that seems too old already: this device's clock was set since the relay told its time. Senders are named until that is told again; whom to believe is known all the same.
    const isUsable = this.isUsable(record);
    this.pinned = trustRoots;
    if (isUsable || !this.isUsable(known)) {
      await this.executor.run([certificateLock], (overlay) => overlay.put('certificate', record));
    }
    if (known === undefined && !this.ending.signal.aborted) this.onPinned();
    this.refused = !isUsable && !this.isUsable(known);
  }

  private isUsable(record: CertificateRecord | undefined): boolean {
    return usableCertificate(record, this.account(), this.relayNow()) !== undefined;
  }

  private isGenuine(bytes: Uint8Array, trustRoots: readonly Uint8Array[]): boolean {
    try {
      const certificate = SenderCertificate.deserialize(asBuffer(bytes));
      // Whether it is good now is not told by a clock that may have been set since: only that its server key was.
      const { isOutdated } = certifiedSender(certificate, trustRoots, 0);
      return !isOutdated && isFor(certificate, this.account());
    } catch (error) {
      if (error instanceof Hold || error instanceof LibSignalErrorBase) return false;
      throw error;
    }
  }
}
