import type { SenderCertificate } from '#libsignal';
import { accessKeyOf } from '../accounts/access-key.ts';
import { chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { memberOf } from '../groups/group-state.ts';
import { stateOf } from '../groups/stored-group.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { CertificateKeeper } from './certificate-keeper.ts';
import { usableCertificate } from './own-certificate.ts';

/** With the own name on it, or without it as soon as there is a certificate. */
interface NamedWay {
  readonly way: 'named' | 'needs-certificate';
}

/** How something goes to a person: with the own name on it, without, or without as soon as there is a certificate. */
export type Way =
  | NamedWay
  | {
      readonly way: 'unnamed';
      readonly certificate: SenderCertificate;
      /** Of the recipient, 16 bytes. */
      readonly accessKey: Uint8Array;
    };

/** How something goes to a whole group: to those of its members who can be written to in that way. */
export type GroupWay = NamedWay | { readonly way: 'unnamed'; readonly certificate: SenderCertificate };

/** What those who seal ask. */
export type Ways = Pick<UnnamedWay, 'to' | 'toGroup' | 'isRefused'>;

/** What most ways are. */
const named: NamedWay = { way: 'named' };

/** The most people of whom it is remembered that their relay did not take the key. */
const mostRefused = 10_000;

/**
 * Decides whom the relay may know as the sender: nobody where the recipient is a contact, but for strangers. Contacts are those who gave a profile key and in whose chat the user takes part, or with whom the user shares a group, to which they gave it.
 */
export class UnnamedWay {
  private readonly isOn: boolean;
  private readonly keeper: CertificateKeeper;
  private readonly store: Pick<StoreQueries, 'groupsWith'>;
  private readonly relayNow: () => number;
  private readonly logger: Logger;
  /** Access keys that were refused: made anew by their owner, who will say so. */
  private readonly refused = new Map<UserId, Uint8Array>();
  private groupsClosed = false;

  constructor(parts: {
    /** The setting of the user. */
    readonly isOn: boolean;
    readonly keeper: CertificateKeeper;
    readonly store: Pick<StoreQueries, 'groupsWith'>;
    /** The time by the relay's clock. */
    readonly relayNow: () => number;
    /** Is told when the relay brings this client to name its sender. */
    readonly logger: Logger;
  }) {
    this.isOn = parts.isOn;
    this.keeper = parts.keeper;
    this.store = parts.store;
    this.relayNow = parts.relayNow;
    this.logger = parts.logger;
  }

  /** How something goes to a person now; in the operation that seals it. */
  async to(overlay: Overlay, userId: UserId, account: AccountRecord): Promise<Way> {
    if (!this.isOn || userId === account.userId) return named;
    const accessKey = await this.contactKey(overlay, userId);
    if (accessKey === undefined || this.isRefused(userId, accessKey)) return named;
    const way = await this.certified(overlay, account);
    return way.way === 'unnamed' ? { ...way, accessKey } : way;
  }

  /** How something goes to a group now; in the operation that seals it. */
  async toGroup(overlay: Overlay, account: AccountRecord): Promise<GroupWay> {
    return this.isOn && !this.groupsClosed ? this.certified(overlay, account) : named;
  }

  /** Whether the relay did not take this access key of somebody. */
  isRefused(userId: UserId, accessKey: Uint8Array): boolean {
    const refused = this.refused.get(userId);
    return refused !== undefined && sameBytes(refused, accessKey);
  }

  /** The relay did not take this access key: until there is another one, the sender is named. */
  refusedFor(userId: UserId, accessKey: Uint8Array): void {
    // Of what left together each one is refused.
    if (this.isRefused(userId, accessKey)) return;
    if (this.refused.size >= mostRefused) this.refused.clear();
    this.refused.set(userId, accessKey.slice());
    this.logger.warn('sealed.key-refused', { people: this.refused.size });
  }

  /** This relay takes nothing for many at once: to groups the sender is named until the client starts anew. */
  closeGroups(): void {
    if (this.groupsClosed) return;
    this.groupsClosed = true;
    this.logger.warn('sealed.groups-refused');
  }

  private async certified(overlay: Overlay, account: AccountRecord): Promise<GroupWay> {
    const certificate = usableCertificate(await overlay.get('certificate', {}), account, this.relayNow());
    if (certificate !== undefined) return { way: 'unnamed', certificate };
    return this.keeper.hopeless ? named : { way: 'needs-certificate' };
  }

  /** The access key of a contact; undefined for strangers. */
  private async contactKey(overlay: Overlay, userId: UserId): Promise<Uint8Array | undefined> {
    const own = (await overlay.get('user', { id: userId }))?.profileKey;
    const chat = await overlay.get('chat', { id: chatWith(userId) });
    if (own !== undefined && chat?.accepted === true) return accessKeyOf(own);
    const profileKey = await this.keyAsMember(overlay, userId, own);
    return profileKey && accessKeyOf(profileKey);
  }

  /** The profile key of somebody with whom a group is shared: what they said themselves last, else what the group says of them. */
  private async keyAsMember(
    overlay: Overlay,
    userId: UserId,
    own: Uint8Array | undefined,
  ): Promise<Uint8Array | undefined> {
    for (const { groupId } of await this.store.groupsWith(userId)) {
      const group = await overlay.get('group', { id: groupId });
      const state = group?.standing === 'member' ? stateOf(group) : undefined;
      const member = state && memberOf(state, userId);
      const profileKey = member && (own ?? member.profileKey);
      if (profileKey !== undefined && profileKey.length > 0) return profileKey;
    }
    return undefined;
  }
}
