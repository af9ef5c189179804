import type { ClusterMailParts } from '../src/dispatch/cluster-mail.ts';
import type { ListedDevices } from '../src/ports/listed-devices.ts';
import type { MailLedger } from '../src/ports/mail-ledger.ts';
import type { RelayStores } from '../src/ports/relay-stores.ts';
import type { SendReceipts } from '../src/ports/send-receipts.ts';

/** What one node of a cluster under test has of its own: its connections to what all share. */
export interface NodeGround
  extends Pick<ClusterMailParts, 'log' | 'pending' | 'presence' | 'link' | 'receipts' | 'ledger' | 'listed'> {
  /** After its mail was closed. */
  close(): Promise<void>;
  /** The node is gone without a word. */
  crash(): void;
}

/** What is kept beside the mail. */
export interface MailCounts {
  readonly receipts: SendReceipts;
  readonly ledger: MailLedger;
  close(): Promise<void>;
}

/** What the nodes of a cluster under test stand on: memory, or engines. */
export interface MailGround {
  readonly topics: ClusterMailParts['topics'];
  readonly group: string;
  /** Another node. */
  node(): Promise<NodeGround>;
  /** What a case of a suite counts and records, which knows nothing of other cases. */
  counts(): Promise<MailCounts>;
  /** The accounts that say who is listed. */
  accounts(): Omit<RelayStores, 'mailbox'> & { readonly listed: ListedDevices };
  close(): Promise<void>;
}
