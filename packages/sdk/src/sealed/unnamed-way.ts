import type { SenderCertificate } from '#libsignal';
import { accessKeyOf } from '../accounts/access-key.ts';
import { chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { UserId } from '../ports/ids.ts';
import type { CertificateKeeper } from './certificate-keeper.ts';
import { usableCertificate } from './own-certificate.ts';

/** How something goes to a person: with the own name on it, without, or without as soon as there is a certificate. */
export type Way =
  | { readonly way: 'named' | 'needs-certificate' }
  | { readonly way: 'unnamed'; readonly certificate: SenderCertificate };

/** What most ways are. */
const named: Way = { way: 'named' };

/** The most people of whom it is remembered that their relay did not take the key. */
const mostRefused = 10_000;

/** Decides whom the relay may know as the sender: nobody in whose chat the user takes part and who gave a profile key, but for strangers. */
export class UnnamedWay {
  private readonly isOn: boolean;
  private readonly keeper: CertificateKeeper;
  private readonly relayNow: () => number;
  /** Access keys that were refused: made anew by their owner, who will say so. */
  private readonly refused = new Map<UserId, Uint8Array>();

  constructor(parts: {
    /** The setting of the user. */
    readonly isOn: boolean;
    readonly keeper: CertificateKeeper;
    /** The time by the relay's clock. */
    readonly relayNow: () => number;
  }) {
    this.isOn = parts.isOn;
    this.keeper = parts.keeper;
    this.relayNow = parts.relayNow;
  }

  /** How something goes to a person now; in the operation that seals it. */
  async to(overlay: Overlay, userId: UserId, account: AccountRecord): Promise<Way> {
    if (!this.isOn || userId === account.userId) return named;
    const profileKey = (await overlay.get('user', { id: userId }))?.profileKey;
    if (profileKey === undefined) return named;
    const refused = this.refused.get(userId);
    if (refused !== undefined && sameBytes(refused, accessKeyOf(profileKey))) return named;
    const chat = await overlay.get('chat', { id: chatWith(userId) });
    if (chat?.accepted !== true) return named;
    const certificate = usableCertificate(await overlay.get('certificate', {}), account, this.relayNow());
    if (certificate !== undefined) return { way: 'unnamed', certificate };
    return this.keeper.hopeless ? named : { way: 'needs-certificate' };
  }

  /** The relay did not take this access key: until there is another one, the sender is named. */
  refusedFor(userId: UserId, accessKey: Uint8Array): void {
    if (this.refused.size >= mostRefused) this.refused.clear();
    this.refused.set(userId, accessKey.slice());
  }
}
