import { CiphertextKind } from '@sotto/proto';
import {
  CiphertextMessageType,
  ErrorCode,
  LibSignalErrorBase,
  type PreKeyBundle,
  PreKeySignalMessage,
  ProtocolAddress,
  processPreKeyBundle,
  SignalMessage,
  signalDecrypt,
  signalDecryptPreKey,
  signalEncrypt,
} from '#libsignal';
import type { AccountRecord } from '../ports/account-record.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import { SottoError } from '../sotto-error.ts';
import { asBuffer } from './as-buffer.ts';
import { CallbackRecords } from './callback-records.ts';
import { Hold } from './hold.ts';
import { OverlayIdentities, OverlayPrekeys, OverlaySessions, ownIdentity } from './libsignal-stores.ts';
import { recordOf, sessionOf } from './live-session.ts';
import type { Overlay } from './overlay.ts';
import { advanceChains, type CheckedCiphertext, checkJump } from './precheck.ts';

/** A ciphertext for one device. */
export interface SealedCiphertext {
  readonly kind: CiphertextKind;
  readonly ciphertext: Uint8Array;
}

/** What a ciphertext held. */
export interface Opened {
  readonly plaintext: Uint8Array;
  /** It began a session: what could not be opened before may be opened now. */
  readonly newSession: boolean;
}

/** The lock under which everything that touches sessions with a person runs. */
export function peerLock(userId: string): string {
  return `peer:${userId}`;
}

/** The Double Ratchet for one account, on an overlay. The caller holds `peerLock` and the locks of the prekeys touched. */
export class Ratchet {
  private readonly overlay: Overlay;
  private readonly now: number;
  private readonly local: ProtocolAddress;
  private readonly records: CallbackRecords;
  private readonly sessions: OverlaySessions;
  private readonly identities: OverlayIdentities;

  constructor(account: AccountRecord, overlay: Overlay, now: number) {
    this.overlay = overlay;
    this.now = now;
    this.local = ProtocolAddress.new(account.userId, account.deviceId);
    this.records = new CallbackRecords(overlay);
    this.sessions = new OverlaySessions(this.records);
    this.identities = new OverlayIdentities(this.records, ownIdentity(account), account.registrationId, now);
  }

  /** Whether there is a session that can be sent on, made with this registration of the device. */
  async canSend(device: DeviceAddress, registrationId: number): Promise<boolean> {
    const known = await this.overlay.get('session', device);
    if (known === undefined) return false;
    const session = sessionOf(known);
    return session.hasCurrentState(new Date(this.now)) && session.remoteRegistrationId() === registrationId;
  }

  /**
   * Opens a session from a verified bundle (PQXDH).
   * @throws {SottoError} `identity-changed` when another identity key is trusted for this person; `bundle-invalid`; what the store throws
   */
  async start(device: DeviceAddress, bundle: PreKeyBundle): Promise<void> {
    try {
      await processPreKeyBundle(
        bundle,
        ProtocolAddress.new(device.userId, device.deviceId),
        this.local,
        this.sessions,
        this.identities,
        new Date(this.now),
      );
    } catch (cause) {
      this.records.rethrow();
      throw sendingError(cause);
    }
  }

  /**
   * Encrypts for one device.
   * @throws {SottoError} `identity-changed`; `bundle-invalid` when there is no session that can be sent on; what the store throws
   */
  async seal(device: DeviceAddress, plaintext: Uint8Array<ArrayBuffer>): Promise<SealedCiphertext> {
    try {
      const message = await signalEncrypt(
        plaintext,
        ProtocolAddress.new(device.userId, device.deviceId),
        this.local,
        this.sessions,
        this.identities,
        new Date(this.now),
      );
      const kind =
        message.type() === CiphertextMessageType.PreKey
          ? CiphertextKind.CIPHERTEXT_KIND_PREKEY
          : CiphertextKind.CIPHERTEXT_KIND_WHISPER;
      return { kind, ciphertext: message.serialize() };
    } catch (cause) {
      this.records.rethrow();
      throw sendingError(cause);
    }
  }

  /**
   * Decrypts what came from one device, after the precheck.
   * @throws {Hold} with the reason
   * @throws {SottoError} what the store throws
   */
  async open(device: DeviceAddress, checked: CheckedCiphertext, ciphertext: Uint8Array): Promise<Opened> {
    const before = await this.overlay.get('session', device);
    if (checked.kind === 'whisper' && before === undefined) throw new Hold('no-session');
    const chains = before?.chains ?? [];
    checkJump(checked, chains);
    const prekeys = new OverlayPrekeys(this.records, this.now);
    let plaintext: Uint8Array;
    try {
      plaintext = await this.decrypt(device, checked, ciphertext, prekeys);
    } catch (cause) {
      this.records.rethrow();
      throw new Hold(prekeys.problem ?? receivingReason(cause), { cause });
    }
    const after = await this.overlay.get('session', device);
    if (after !== undefined) {
      this.overlay.put('session', recordOf(after, sessionOf(after), advanceChains(chains, checked)));
    }
    return { plaintext, newSession: prekeys.startsSession };
  }

  private decrypt(
    device: DeviceAddress,
    checked: CheckedCiphertext,
    ciphertext: Uint8Array,
    prekeys: OverlayPrekeys,
  ): Promise<Uint8Array> {
    const remote = ProtocolAddress.new(device.userId, device.deviceId);
    const bytes = asBuffer(ciphertext);
    return checked.kind === 'whisper'
      ? signalDecrypt(SignalMessage.deserialize(bytes), remote, this.local, this.sessions, this.identities)
      : signalDecryptPreKey(
          PreKeySignalMessage.deserialize(bytes),
          remote,
          this.local,
          this.sessions,
          this.identities,
          prekeys.ec,
          prekeys.signed,
          prekeys.kyber,
        );
  }
}

function receivingReason(cause: unknown): 'not-a-duplicate' | 'undecryptable' {
  return cause instanceof LibSignalErrorBase && cause.code === ErrorCode.DuplicatedMessage
    ? 'not-a-duplicate'
    : 'undecryptable';
}

function sendingError(cause: unknown): SottoError {
  if (cause instanceof LibSignalErrorBase && cause.code === ErrorCode.UntrustedIdentity) {
    return new SottoError(
      'identity-changed',
      'this person has a new identity key: compare the safety number, then accept it',
      { cause },
    );
  }
  return new SottoError('bundle-invalid', "no session could be made with this person's device: try again later", {
    cause,
  });
}
