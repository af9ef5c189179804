import { createHash } from 'node:crypto';
import type { AccountEnding } from '../../ports/account-control.ts';
import type { NewAccount } from '../../ports/account-store.ts';
import type { GroupAvatarUpload } from '../../ports/group-avatar-store.ts';
import type { GroupAppend } from '../../ports/group-store.ts';
import type { DeviceAddress, DeviceId, GroupId, NumberMac, UserId } from '../../ports/ids.ts';
import type { MailAppend } from '../../ports/mailbox.ts';
import type { TokenRotation } from '../../ports/token-store.ts';

/** What the process that is killed writes to its standard output, one JSON object a line, once the store has said yes. */
export type Confirmed =
  | {
      readonly did: 'append' | 'ack' | 'register' | 'rotate' | 'group' | 'end' | 'sweep';
      readonly index: number;
    }
  | { readonly did: 'take'; readonly index: number; readonly key: string };

/** Where the blob of a group's avatar is. */
export const blobOfAvatar = ({ location }: GroupAvatarUpload): string =>
  `groups/${Buffer.from(location).toString('hex')}`;

/** Sends that are under way at once in a round. */
export const appendsPerRound = 6;

/** Where the blob of a leaver is. */
export const blobOf = ({ userId }: NewAccount): string => `avatars/${userId}`;

/** Of each round's sends, those with an even index are acked. */
export const isAcked = (index: number): boolean => index % 2 === 0;

/** Everything that both processes of a crash test must agree on, from one seed that is made for the run. */
export class CrashScenario {
  readonly #seed: string;
  readonly to: DeviceAddress;
  readonly sender: DeviceAddress;

  constructor(seed: string) {
    this.#seed = seed;
    this.to = this.#device('recipient');
    this.sender = this.#device('sender');
  }

  /** The send with this index; its envelope is told from all others by its bytes. */
  append(index: number): MailAppend {
    const items = [{ deviceId: this.to.deviceId, envelope: this.envelope(index) }];
    return {
      sender: this.sender,
      sendId: this.#bytes(`send ${index}`, 16),
      recipients: [{ userId: this.to.userId, stranger: index % 2 === 1, items }],
      acceptedAt: 1000 + index,
      expiresAt: 1_000_000 + index,
    };
  }

  envelope(index: number): Uint8Array {
    return this.#bytes(`envelope ${index}`, 32);
  }

  /** The account of a round that ends in it, with a blob. */
  leaver(round: number): NewAccount {
    return this.account(`leaver ${round}`);
  }

  /** How the leaver of a round ends. */
  ending(round: number): AccountEnding {
    const { userId, deviceList } = this.leaver(round);
    return { userId, listHash: deviceList.hash, receipt: this.#bytes(`receipt ${round}`, 32), now: 2000 };
  }

  /** The account of a round, with three one-time keys of each kind. */
  account(round: number | string): NewAccount {
    const device = this.#device(`account ${round}`);
    const key = (name: string, id: number) => ({ id, publicKey: this.#bytes(`${name} ${id} of ${round}`, 32) });
    const signed = (name: string, id: number) => ({ ...key(name, id), signature: this.#bytes('signature', 32) });
    return {
      idempotencyKey: this.#bytes(`idempotency ${round}`, 16),
      requestHash: this.#bytes(`request ${round}`, 32),
      userId: device.userId,
      numberMac: this.#bytes(`number ${round}`, 32) as NumberMac,
      numberCiphertext: this.#bytes('number', 32),
      deviceList: {
        version: 1,
        signed: this.#bytes('list', 32),
        hash: this.#bytes('hash', 32),
        rootKey: this.#bytes('root', 32),
        identityKey: this.#bytes('identity', 32),
        devices: [{ deviceId: 1, registrationId: 1 }],
      },
      device,
      prekeys: {
        signedPrekey: signed('signed', 1),
        lastResortKyberPrekey: signed('last resort', 1),
        prekeys: [1, 2, 3].map((id) => key('ec', id)),
        kyberPrekeys: [1, 2, 3].map((id) => signed('kyber', id)),
      },
      profile: this.#bytes('profile', 32),
      accessKeyHash: undefined,
      lock: { secretMac: undefined, now: 0, idleMs: 0 },
      recovers: false,
      refreshTokenHash: this.#bytes(`refresh ${round} 0`, 32),
      createdAt: 1000,
    };
  }

  /** The avatar of the one group that a round uploads, and its append names. */
  avatar(round: number): GroupAvatarUpload {
    return {
      groupId: this.#bytes('group', 32) as GroupId,
      location: this.#bytes(`location ${round}`, 32),
      actor: this.sender.userId,
      at: 1000 + round,
    };
  }

  /** What a round appends to the log of the one group: its leaver comes, and who came before goes. */
  groupAppend(round: number): GroupAppend {
    const comer = (of: number) => this.leaver(of).userId;
    const added = round === 0 ? [this.sender.userId, comer(0)] : [comer(round)];
    const removed = round === 0 ? [] : [comer(round - 1)];
    const groupId = this.#bytes('group', 32) as GroupId;
    const key = { keyEpoch: round + 1, keyCommitment: this.#bytes(`key ${round}`, 32) };
    const record = { groupId, revision: round + 1, ...key, bytes: this.#bytes(`record ${round}`, 32) };
    const rest = {
      actor: this.sender.userId,
      inviteHash: undefined,
      at: 1000 + round,
      mostMembers: 2,
      avatar: this.avatar(round).location,
    };
    return { record, added, removed, ...rest };
  }

  /** The first refresh of a round's account. */
  rotation(round: number): TokenRotation {
    return {
      refresh: this.#bytes(`refresh ${round} 0`, 32),
      next: this.#bytes(`refresh ${round} 1`, 32),
      access: this.#bytes(`access ${round}`, 32),
      accessExpiresAt: 1_000_000,
      now: 2000,
    };
  }

  #bytes(name: string, length: number): Uint8Array {
    return new Uint8Array(createHash('sha256').update(`${this.#seed} ${name}`).digest().subarray(0, length));
  }

  #device(name: string): DeviceAddress {
    const hex = Buffer.from(this.#bytes(name, 16)).toString('hex');
    const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
    return { userId: parts.join('-') as UserId, deviceId: 1 as DeviceId };
  }
}
