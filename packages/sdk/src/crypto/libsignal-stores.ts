import {
  Direction,
  IdentityChange,
  IdentityKeyPair,
  IdentityKeyStore,
  KyberPreKeyRecord,
  KyberPreKeyStore,
  PreKeyRecord,
  PreKeyStore,
  type PrivateKey,
  type ProtocolAddress,
  PublicKey,
  type SessionRecord,
  SessionStore,
  SignedPreKeyRecord,
  SignedPreKeyStore,
} from '#libsignal';
import type { AccountRecord } from '../ports/account-record.ts';
import type { DeviceAddress, UserId } from '../ports/ids.ts';
import type { ChainCounter } from '../ports/key-records.ts';
import { asBuffer } from './as-buffer.ts';
import type { CallbackRecords } from './callback-records.ts';
import { firstIdentity } from './identity-trust.ts';
import { recordOf, sessionOf } from './live-session.ts';
import { sameBytes } from './same-bytes.ts';

/** The session with one device, in an overlay: whoever asks names that device, so its address is not read back from libsignal. */
export class OverlaySession extends SessionStore {
  /** What a saved session is to say of the peer's chains; as it is when undefined. */
  chains: readonly ChainCounter[] | undefined;
  private readonly overlay: CallbackRecords;
  private readonly device: DeviceAddress;

  constructor(overlay: CallbackRecords, device: DeviceAddress) {
    super();
    this.overlay = overlay;
    this.device = device;
  }

  override async saveSession(_address: ProtocolAddress, record: SessionRecord): Promise<void> {
    const chains = this.chains ?? (await this.overlay.get('session', this.device))?.chains ?? [];
    this.overlay.put('session', recordOf(this.device, record, chains));
  }

  override async getSession(): Promise<SessionRecord | null> {
    const known = await this.overlay.get('session', this.device);
    return known === undefined ? null : sessionOf(known);
  }

  override async getExistingSessions(addresses: ProtocolAddress[]): Promise<SessionRecord[]> {
    return Promise.all(
      addresses.map(async () => {
        const session = await this.getSession();
        if (session === null) throw new Error('a session is missing');
        return session;
      }),
    );
  }
}

/** The own identity key, and that of one person in an overlay: trust on first use. Another one than that is only noted. */
export class OverlayIdentity extends IdentityKeyStore {
  /** The key of the session that a message came on, when it is not the trusted one. */
  foreign: Uint8Array | undefined;
  /** The key of the session that a message came on. */
  met: Uint8Array | undefined;
  private readonly overlay: CallbackRecords;
  private readonly userId: UserId;
  private readonly own: IdentityKeyPair;
  private readonly registrationId: number;
  private readonly now: number;

  constructor(
    overlay: CallbackRecords,
    userId: UserId,
    {
      own,
      registrationId,
      now,
    }: { readonly own: IdentityKeyPair; readonly registrationId: number; readonly now: number },
  ) {
    super();
    this.overlay = overlay;
    this.userId = userId;
    this.own = own;
    this.registrationId = registrationId;
    this.now = now;
  }

  override async getIdentityKey(): Promise<PrivateKey> {
    return this.own.privateKey;
  }

  override async getIdentityKeyPair(): Promise<IdentityKeyPair> {
    return this.own;
  }

  override async getLocalRegistrationId(): Promise<number> {
    return this.registrationId;
  }

  override async saveIdentity(_address: ProtocolAddress, key: PublicKey): Promise<IdentityChange> {
    const { userId } = this;
    const known = await this.overlay.get('identity', { userId });
    const bytes = key.serialize();
    this.met = bytes;
    if (known === undefined) {
      this.overlay.put('identity', firstIdentity(userId, bytes, this.now));
      return IdentityChange.NewOrUnchanged;
    }
    if (sameBytes(known.key, bytes)) return IdentityChange.NewOrUnchanged;
    // Sending asks `isTrustedIdentity` first, so this is a message that came. What it means for sending is decided elsewhere.
    this.foreign = bytes;
    return IdentityChange.ReplacedExisting;
  }

  override async isTrustedIdentity(_address: ProtocolAddress, key: PublicKey, direction: Direction): Promise<boolean> {
    if (direction === Direction.Receiving) return true;
    const known = await this.overlay.get('identity', { userId: this.userId });
    return known === undefined || sameBytes(known.key, key.serialize());
  }

  override async getIdentity(): Promise<PublicKey | null> {
    const known = await this.overlay.get('identity', { userId: this.userId });
    return known === undefined ? null : PublicKey.deserialize(asBuffer(known.key));
  }
}

/** Why an own prekey could not be used: libsignal's error codes do not tell. */
export type PrekeyProblem = 'missing-prekey' | 'replayed-prekey';

/** Own prekeys in an overlay. One-time keys go when they are used; a last-resort key remembers its uses. */
export class OverlayPrekeys {
  /** Set when a key was asked for that can't be used. */
  problem: PrekeyProblem | undefined;
  /** A session is being made: libsignal asks for the signed prekey then, and only then. */
  startsSession = false;
  readonly ec: PreKeyStore;
  readonly signed: SignedPreKeyStore;
  readonly kyber: KyberPreKeyStore;

  constructor(overlay: CallbackRecords, now: number) {
    const missing = (): never => {
      this.problem = 'missing-prekey';
      throw new Error('an own prekey is not there any more');
    };
    const starts = (): void => {
      this.startsSession = true;
    };
    const replayed = (): never => {
      this.problem = 'replayed-prekey';
      throw new Error('a last-resort prekey was used with this base key before');
    };
    this.ec = new (class extends PreKeyStore {
      override async savePreKey(): Promise<void> {
        throw new Error('prekeys are made by the prekey maintenance only');
      }
      override async getPreKey(id: number): Promise<PreKeyRecord> {
        const known = await overlay.get('prekey', { kind: 'ec', id });
        return known === undefined ? missing() : PreKeyRecord.deserialize(asBuffer(known.record));
      }
      override async removePreKey(id: number): Promise<void> {
        overlay.delete('prekey', { kind: 'ec', id });
      }
    })();
    this.signed = new (class extends SignedPreKeyStore {
      override async saveSignedPreKey(): Promise<void> {
        throw new Error('prekeys are made by the prekey maintenance only');
      }
      override async getSignedPreKey(id: number): Promise<SignedPreKeyRecord> {
        starts();
        const known = await overlay.get('prekey', { kind: 'signed', id });
        return known === undefined ? missing() : SignedPreKeyRecord.deserialize(asBuffer(known.record));
      }
    })();
    this.kyber = new (class extends KyberPreKeyStore {
      override async saveKyberPreKey(): Promise<void> {
        throw new Error('prekeys are made by the prekey maintenance only');
      }
      override async getKyberPreKey(id: number): Promise<KyberPreKeyRecord> {
        const known =
          (await overlay.get('prekey', { kind: 'kyber', id })) ??
          (await overlay.get('prekey', { kind: 'last-resort', id }));
        return known === undefined ? missing() : KyberPreKeyRecord.deserialize(asBuffer(known.record));
      }
      override async markKyberPreKeyUsed(id: number, signedId: number, baseKey: PublicKey): Promise<void> {
        if ((await overlay.get('prekey', { kind: 'kyber', id })) !== undefined) {
          overlay.delete('prekey', { kind: 'kyber', id });
          return;
        }
        const use = { kyberId: id, signedId, baseKey: baseKey.serialize() };
        if ((await overlay.get('kyberUse', use)) !== undefined) replayed();
        overlay.put('kyberUse', { ...use, usedAt: now });
      }
    })();
  }
}

/** The own identity key pair, parsed once an account. */
export function ownIdentity(account: AccountRecord): IdentityKeyPair {
  return parsedIdentity(account.identityKeyPair);
}

/** An own identity key pair, present or former, parsed once. */
export function parsedIdentity(identityKeyPair: Uint8Array): IdentityKeyPair {
  const known = parsedIdentities.get(identityKeyPair);
  if (known !== undefined) return known;
  const parsed = IdentityKeyPair.deserialize(asBuffer(identityKeyPair));
  parsedIdentities.set(identityKeyPair, parsed);
  return parsed;
}

const parsedIdentities = new WeakMap<Uint8Array, IdentityKeyPair>();
