import { CiphertextKind, RetryRequest } from '@sotto/proto';
import {
  type CiphertextMessage,
  CiphertextMessageType,
  ErrorCode,
  type IdentityKeyPair,
  LibSignalErrorBase,
  PlaintextContent,
  type PreKeyBundle,
  PreKeySignalMessage,
  type ProtocolAddress,
  type PublicKey,
  processPreKeyBundle,
  SessionRecord as Session,
  SignalMessage,
  SignedPreKeyRecord,
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
import { noteForeignIdentity } from './identity-trust.ts';
import { OverlayIdentity, OverlayPrekeys, OverlaySession, ownIdentity } from './libsignal-stores.ts';
import { recordOf, sessionOf } from './live-session.ts';
import type { Overlay } from './overlay.ts';
import { ownIdentities } from './own-identities.ts';
import { advanceChains, type CheckedCiphertext, checkJump } from './precheck.ts';
import { protocolAddress } from './protocol-address.ts';
import { sameBytes } from './same-bytes.ts';
import { type SealedOrigin, sealOuter } from './sealed-seal.ts';
import { localIdentityOf } from './session-identity.ts';

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
  /** It came on a session with another identity key than the one that is trusted for this person. */
  readonly newIdentity: boolean;
  /** The identity key of that session, 33 bytes. */
  readonly identityKey: Uint8Array;
}

/** The lock under which everything that touches sessions with a person runs. */
export function peerLock(userId: string): string {
  return `peer:${userId}`;
}

/** The Double Ratchet for one account, on an overlay. The caller holds `peerLock` and the locks of the prekeys touched. */
export class Ratchet {
  private readonly account: AccountRecord;
  private readonly overlay: Overlay;
  private readonly now: number;
  private readonly local: ProtocolAddress;
  private readonly records: CallbackRecords;

  constructor(account: AccountRecord, overlay: Overlay, now: number) {
    this.account = account;
    this.overlay = overlay;
    this.now = now;
    this.local = protocolAddress(account);
    this.records = new CallbackRecords(overlay);
  }

  /** Whether there is a session that can be sent on, made with this registration of the device, under the own identity key as it is. */
  async canSend(device: DeviceAddress, registrationId: number): Promise<boolean> {
    const known = await this.overlay.get('session', device);
    if (known === undefined) return false;
    const local = localIdentityOf(known.record);
    if (local && !sameBytes(local, ownIdentity(this.account).publicKey.serialize())) return false;
    const session = sessionOf(known);
    return session.hasCurrentState(new Date(this.now)) && session.remoteRegistrationId() === registrationId;
  }

  /** Whether the session that would be sent on is the one on which this ratchet key of ours was used. */
  async isCurrent(device: DeviceAddress, ratchetKey: PublicKey): Promise<boolean> {
    const known = await this.overlay.get('session', device);
    return known !== undefined && sessionOf(known).currentRatchetKeyMatches(ratchetKey);
  }

  /** Puts the session aside, if there is one: what comes on it can still be opened, and the next message begins a new one. */
  async setAside(device: DeviceAddress): Promise<void> {
    const known = await this.overlay.get('session', device);
    if (known === undefined) return;
    // The object behind a record is shared and must not change.
    const session = Session.deserialize(asBuffer(known.record));
    session.archiveCurrentState();
    this.overlay.put('session', recordOf(device, session, known.chains));
  }

  /**
   * Opens a session from a verified bundle (PQXDH).
   * @throws {SottoError} `identity-changed` when another identity key is trusted for this person; `bundle-invalid`; what the store throws
   */
  async start(device: DeviceAddress, bundle: PreKeyBundle): Promise<void> {
    try {
      await processPreKeyBundle(
        bundle,
        protocolAddress(device),
        this.local,
        new OverlaySession(this.records, device),
        this.identityOf(device),
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
      const message = await this.encrypt(device, plaintext);
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
   * Encrypts for one device, which alone learns who sent it.
   * @throws {SottoError} as `seal`
   */
  async sealUnnamed(
    device: DeviceAddress,
    plaintext: Uint8Array<ArrayBuffer>,
    origin: SealedOrigin,
  ): Promise<SealedCiphertext> {
    try {
      const message = await this.encrypt(device, plaintext);
      const ciphertext = await sealOuter(message, origin, protocolAddress(device), this.identityOf(device));
      return { kind: CiphertextKind.CIPHERTEXT_KIND_SEALED, ciphertext };
    } catch (cause) {
      this.records.rethrow();
      throw sendingError(cause);
    }
  }

  /**
   * Puts the outer layer of a sealed sender around an open request to send something again: no session has to do with it.
   * @param request an encoded RetryRequest of this client
   * @throws {SottoError} as `seal`
   */
  async sealRequest(device: DeviceAddress, request: Uint8Array, origin: SealedOrigin): Promise<SealedCiphertext> {
    const { error, number: requestNumber } = RetryRequest.decode(request);
    const content = PlaintextContent.deserialize(asBuffer(error));
    const numbered = { ...origin, context: { ...origin.context, requestNumber } };
    try {
      const address = protocolAddress(device);
      const ciphertext = await sealOuter(content.asCiphertextMessage(), numbered, address, this.identityOf(device));
      return { kind: CiphertextKind.CIPHERTEXT_KIND_SEALED, ciphertext };
    } catch (cause) {
      this.records.rethrow();
      throw sendingError(cause);
    }
  }

  private encrypt(device: DeviceAddress, plaintext: Uint8Array<ArrayBuffer>): Promise<CiphertextMessage> {
    return signalEncrypt(
      plaintext,
      protocolAddress(device),
      this.local,
      new OverlaySession(this.records, device),
      this.identityOf(device),
      new Date(this.now),
    );
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
    const session = new OverlaySession(this.records, device);
    session.chains = advanceChains(chains, checked);
    const bytes = asBuffer(ciphertext);
    return checked.kind === 'whisper'
      ? this.openWhisper(device, session, bytes)
      : this.openPrekey(device, session, bytes);
  }

  private async openWhisper(
    device: DeviceAddress,
    session: OverlaySession,
    ciphertext: Uint8Array<ArrayBuffer>,
  ): Promise<Opened> {
    try {
      const message = SignalMessage.deserialize(ciphertext);
      const identity = this.identityOf(device);
      const plaintext = await signalDecrypt(message, protocolAddress(device), this.local, session, identity);
      return openedOn(identity, plaintext, false);
    } catch (cause) {
      this.records.rethrow();
      throw new Hold(receivingReason(cause), { cause });
    }
  }

  private async openPrekey(
    device: DeviceAddress,
    session: OverlaySession,
    ciphertext: Uint8Array<ArrayBuffer>,
  ): Promise<Opened> {
    const prekeys = new OverlayPrekeys(this.records, this.now);
    try {
      const message = PreKeySignalMessage.deserialize(ciphertext);
      const identity = this.identityOf(device, await this.ownOf(message.signedPreKeyId()));
      const plaintext = await signalDecryptPreKey(
        message,
        protocolAddress(device),
        this.local,
        session,
        identity,
        prekeys.ec,
        prekeys.signed,
        prekeys.kyber,
      );
      const { foreign } = identity;
      if (foreign !== undefined && prekeys.startsSession) {
        await noteForeignIdentity(this.overlay, device.userId, foreign, this.now);
      }
      return openedOn(identity, plaintext, prekeys.startsSession);
    } catch (cause) {
      this.records.rethrow();
      throw new Hold(prekeys.problem ?? receivingReason(cause), { cause });
    }
  }

  /** The own key pair that a session is begun with which uses this signed prekey: the one that signed it, now or before it was replaced. */
  private async ownOf(signedPreKeyId: number): Promise<IdentityKeyPair> {
    const own = ownIdentities(this.account, this.now);
    const [current] = own;
    if (own.length === 1) return current;
    const prekey = await this.records.get('prekey', { kind: 'signed', id: signedPreKeyId });
    if (prekey === undefined) return current;
    const record = SignedPreKeyRecord.deserialize(asBuffer(prekey.record));
    const key = record.publicKey().serialize();
    return own.find(({ publicKey }) => publicKey.verify(key, record.signature())) ?? current;
  }

  private identityOf({ userId }: DeviceAddress, own = ownIdentity(this.account)): OverlayIdentity {
    const { account, now } = this;
    return new OverlayIdentity(this.records, userId, {
      own,
      registrationId: account.registrationId,
      now,
    });
  }
}

function openedOn({ foreign, met }: OverlayIdentity, plaintext: Uint8Array, newSession: boolean): Opened {
  if (met === undefined) throw new Error('libsignal did not say whose message it is');
  return { plaintext, newSession, newIdentity: foreign !== undefined, identityKey: met };
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
      'this person has a new identity key: a new phone, or somebody in between; ask them by another way before you trust it',
      { cause },
    );
  }
  return new SottoError('bundle-invalid', "no session could be made with this person's device: try again later", {
    cause,
  });
}
