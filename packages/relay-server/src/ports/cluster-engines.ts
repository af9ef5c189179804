import type { ListedDevices } from './listed-devices.ts';
import type { MailLedger } from './mail-ledger.ts';
import type { MailLog } from './mail-log.ts';
import type { Nodes } from './nodes.ts';
import type { PendingStore } from './pending-store.ts';
import type { Presence } from './presence.ts';
import type { RelayStores } from './relay-stores.ts';
import type { SendReceipts } from './send-receipts.ts';

/** Asks one engine whether it answers. */
export interface EngineCheck {
  /** As operators know it: `Kafka`, `Cassandra`, `Redis`, `S3`. */
  readonly engine: string;
  /** Mail is taken and given without it: a node is ready nevertheless, and says that it is missing. */
  readonly spared?: boolean;
  /** @throws {RelayError} when it does not take what the relay has for it */
  check(): Promise<void>;
}

/** What all nodes of a cluster share: the stores of a relay, and what their mailboxes are made of. */
export interface ClusterEngines {
  readonly stores: Omit<RelayStores, 'mailbox' | 'presence' | 'close'>;
  readonly log: MailLog;
  readonly pending: PendingStore;
  readonly presence: Presence;
  readonly receipts: SendReceipts;
  readonly ledger: MailLedger;
  readonly listed: ListedDevices;
  readonly nodes: Nodes;
  readonly checks: readonly EngineCheck[];
  /** Finishes what was begun, then lets go of all connections; idempotent. No call may follow it. */
  close(): Promise<void>;
}
