import type { Executor } from '../crypto/executor.ts';
import { identityChangedAdvice, isBlocked, isVerified, withPending } from '../crypto/identity-trust.ts';
import { ownIdentity } from '../crypto/libsignal-stores.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { peerLock, Ratchet } from '../crypto/ratchet.ts';
import { compareScanned, type Identified, type ScanResult, safetyNumberOf } from '../crypto/safety-number.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { listedDevices } from '../devices/accepted-list.ts';
import { deviceListForked } from '../devices/named-list.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { demand } from '../option-rules.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChatId, UserId } from '../ports/ids.ts';
import type { IdentityPolicy, IdentityRecord } from '../ports/key-records.ts';
import type { Store } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import { chatLock, chatWith, openChat } from './chat-state.ts';
import { isIdentityPolicy, isSendingBlocked } from './identity-policy.ts';

/** What two people compare to be sure that nobody is in between. */
export interface SafetyNumber {
  /** 60 digits in groups of five with spaces: the same on both sides. After a change of the key, those of the new one. */
  readonly digits: string;
  /** To be shown as a QR code in binary mode: what the other side scans. */
  readonly qr: Uint8Array;
  /** Whether the user has said that it is right, for the key that it stands for. */
  readonly verified: boolean;
}

/** How it stands with a person's identity key. */
export interface IdentityState {
  readonly verified: boolean;
  /** A new key was seen that is not accepted yet. */
  readonly changed: boolean;
  /** Nothing is sent to this person before it is accepted. */
  readonly blocked: boolean;
  /** What a change does in this chat. */
  readonly policy: IdentityPolicy;
}

/** Identity keys of others, as users see them. */
export class Identities {
  private readonly store: Store;
  private readonly executor: Executor;
  private readonly origin: () => ContentOrigin;
  private readonly clock: Clock;
  private readonly policy: IdentityPolicy;
  private readonly learnDevices: (userId: UserId) => Promise<void>;
  private readonly onAccepted: (chatId: ChatId) => void;
  /** The keys whose safety numbers the user has seen last. */
  private readonly shown = new Map<UserId, Uint8Array>();

  constructor(parts: {
    readonly store: Store;
    readonly executor: Executor;
    readonly origin: () => ContentOrigin;
    readonly clock: Clock;
    /** Where a chat does not say. */
    readonly policy: IdentityPolicy;
    /** Takes somebody's device list over, over the network. */
    readonly learnDevices: (userId: UserId) => Promise<void>;
    /** What waits in this chat may leave. */
    readonly onAccepted: (chatId: ChatId) => void;
  }) {
    this.store = parts.store;
    this.executor = parts.executor;
    this.origin = parts.origin;
    this.clock = parts.clock;
    this.policy = parts.policy;
    this.learnDevices = parts.learnDevices;
    this.onAccepted = parts.onAccepted;
  }

  /**
   * Refuses to send under a key that the user has to accept first, or to devices that the person does not confirm; the caller holds the chat's lock.
   * @throws {SottoError} `identity-changed`, with its `action`; `device-list-forked`
   */
  async assertTrusted(overlay: Overlay, userId: UserId): Promise<void> {
    if ((await overlay.get('namedList', { userId }))?.forked) throw deviceListForked();
    if (await isSendingBlocked(overlay, userId, this.policy)) throw this.changed(userId);
  }

  /**
   * Asks the relay once more for a device list that contradicts what the person says.
   * @throws {SottoError} `device-list-forked`: it still does, or could not be asked for
   */
  async askForDevices(userId: UserId): Promise<void> {
    try {
      await this.learnDevices(userId);
      this.onAccepted(chatWith(userId));
    } catch (error) {
      throw error instanceof SottoError && error.code === 'device-list-forked' ? error : deviceListForked(error);
    }
  }

  async state(userId: UserId): Promise<IdentityState> {
    const identity = await this.store.get('identity', { userId });
    const chat = await this.store.get('chat', { id: chatWith(userId) });
    const policy = chat?.identityPolicy ?? this.policy;
    return {
      verified: isVerified(identity),
      changed: identity?.pending?.listed === true,
      blocked: isBlocked(identity, policy),
      policy,
    };
  }

  /** @throws {SottoError} `user-unknown`, `device-list-invalid`, `relay-unreachable`: when the key is not known yet and could not be asked for */
  async safetyNumber(userId: UserId): Promise<SafetyNumber> {
    const { own, peer, identity } = await this.both(userId);
    this.shown.set(userId, peer.key);
    return { ...safetyNumberOf(own, peer), verified: isVerified(identity) };
  }

  /** @throws {SottoError} as `safetyNumber`; `argument-invalid` */
  async compare(userId: UserId, scanned: Uint8Array): Promise<ScanResult> {
    if (!(scanned instanceof Uint8Array)) {
      throw new SottoError('argument-invalid', 'give the bytes of the code that was scanned');
    }
    const { own, peer } = await this.both(userId);
    const result = compareScanned(own, peer, scanned);
    if (result === 'match') this.shown.set(userId, peer.key);
    return result;
  }

  /** @throws {SottoError} as `safetyNumber`; `identity-changed` when a new key waits to be accepted, or it is another one than that of which the safety number was shown last */
  async setVerified(userId: UserId, verified: boolean): Promise<void> {
    demand(typeof verified === 'boolean', 'setVerified takes true or false');
    await this.both(userId);
    await this.executor.run([peerLock(userId), chatLock(chatWith(userId))], async (overlay) => {
      const identity = await overlay.get('identity', { userId });
      if (identity === undefined) return;
      const shown = this.shown.get(userId) ?? identity.key;
      if (verified && (identity.pending?.listed || !sameBytes(shown, identity.key))) throw this.changed(userId);
      overlay.put('identity', { ...identity, verifiedAt: verified ? this.clock.now() : undefined });
    });
    this.onAccepted(chatWith(userId));
  }

  /** Trusts the new key that their device list names, which nobody has compared yet. Harmless when there is none. */
  async accept(userId: UserId): Promise<void> {
    await this.executor.run([peerLock(userId), chatLock(chatWith(userId))], async (overlay) => {
      const identity = await overlay.get('identity', { userId });
      if (!identity?.pending?.listed) return;
      const now = this.clock.now();
      overlay.put('identity', withPending(identity, now));
      const list = await overlay.get('deviceList', { userId });
      const ratchet = new Ratchet(this.origin().account, overlay, now);
      for (const { deviceId } of list ? listedDevices(list) : []) await ratchet.setAside({ userId, deviceId });
    });
    this.onAccepted(chatWith(userId));
  }

  /** @param policy `undefined`: as the client says. @throws {SottoError} `argument-invalid` */
  async setPolicy(userId: UserId, policy: IdentityPolicy | undefined): Promise<void> {
    if (policy !== undefined && !isIdentityPolicy(policy)) {
      throw new SottoError('argument-invalid', 'a policy is accept, block-verified or block');
    }
    await this.executor.run([peerLock(userId), chatLock(chatWith(userId))], async (overlay) => {
      const chat = await openChat(overlay, userId, this.clock.now());
      overlay.put('chat', { ...chat, identityPolicy: policy });
    });
    this.onAccepted(chatWith(userId));
  }

  private async both(
    userId: UserId,
  ): Promise<{ readonly own: Identified; readonly peer: Identified; readonly identity: IdentityRecord }> {
    const { account } = this.origin();
    const known = await this.store.get('identity', { userId });
    if (known === undefined) await this.learnDevices(userId);
    const identity = known ?? (await this.store.get('identity', { userId }));
    if (identity === undefined) throw new SottoError('user-unknown', 'this person has no identity key');
    const own = { userId: account.userId, key: ownIdentity(account).publicKey.serialize() };
    return { own, peer: { userId, key: identity.pending?.listed ? identity.pending.key : identity.key }, identity };
  }

  private changed(userId: UserId): SottoError {
    return new SottoError('identity-changed', identityChangedAdvice, {
      action: { type: 'accept-identity', userId, accept: () => this.accept(userId) },
    });
  }
}
