import { LinkWaits } from './devices/link-waits.ts';
import { ClusterMail } from './dispatch/cluster-mail.ts';
import { ClusterReach } from './dispatch/cluster-reach.ts';
import { ConnectedDevices } from './dispatch/connected-devices.ts';
import { deliverySecretOf } from './dispatch/delivery-id.ts';
import { type InboxTerms, inboxTerms } from './dispatch/inbox-state.ts';
import { ListedCheck } from './dispatch/listed-check.ts';
import { LocalReach } from './dispatch/local-reach.ts';
import type { MailTopics, TopicKey } from './dispatch/mail-appender.ts';
import type { NodeFailure } from './dispatch/node-failure.ts';
import { OtherNodes } from './dispatch/other-nodes.ts';
import { type PartitionTerms, partitionTerms } from './dispatch/partition-dispatch.ts';
import { recordBytes } from './log-terms.ts';
import { CertificateWatch } from './metrics/certificate-watch.ts';
import { countedEngines } from './metrics/engine-counts.ts';
import { FailureLog } from './metrics/failure-log.ts';
import { mailCounts } from './metrics/mail-counts.ts';
import { MailGauges } from './metrics/mail-gauges.ts';
import { relayCounts } from './metrics/relay-counts.ts';
import { closeEach } from './platform/close-each.ts';
import type { ClusterEngines } from './ports/cluster-engines.ts';
import type { NodeLink } from './ports/node-link.ts';
import type { Randomness } from './ports/randomness.ts';
import { createRelay, type Relay, type RelayParts } from './relay.ts';

/** All that one node of a cluster is made of. Nodes of one cluster are given the same engines, relay key, trust root, cluster name, group and topics. */
export interface ClusterRelayParts extends Omit<RelayParts, 'stores' | 'checks' | 'node'> {
  /** The relay closes them in the end. */
  readonly engines: ClusterEngines;
  /** How other nodes reach this one, and this one them; under a name that no earlier start had. The relay closes it in the end. */
  readonly link: NodeLink;
  /** When other nodes begin to refuse this one for its certificate, milliseconds since the Unix epoch; left out: they never do. */
  readonly certificateEndsAt?: number;
  /** Part of the names of delivery lanes. */
  readonly cluster: string;
  /** The nodes that share the log's partitions. */
  readonly group: string;
  /** `poison` takes records that nobody can read. */
  readonly topics: MailTopics & { readonly poison: string };
  readonly partitionTerms?: PartitionTerms;
  readonly inboxTerms?: InboxTerms;
  /** How long what is in flight may take when a partition is given away, or the node stops. */
  readonly drainMs: number;
  readonly topicKey?: TopicKey;
  /** How often records are deleted that all are done with, in milliseconds; 10,000 by default. */
  readonly deleteEveryMs?: number;
}

/** What was acked leaves the log soon. */
const deleteEveryMs = 10_000;

/**
 * Assembles one node of a cluster: a relay whose mail is in the log and the pending store, and that reaches devices on all nodes.
 *
 * `start` joins the log's group, then says to the other nodes that this one is there, then listens; it rejects when one of these fails, and `stop` is due then too.
 * `stop` drains the streams, so that what nobody has acked is spilled, gives the partitions away, takes leave of the other nodes, and closes link and engines.
 */
export function createClusterRelay(parts: ClusterRelayParts): Relay {
  const { relayKey, randomness, clock, timers, topics } = parts;
  const ofMail = mailCounts(parts.metrics);
  const engines = countedEngines(parts.engines, parts.metrics);
  const link = ofMail.counted(parts.link);
  const connected = new ConnectedDevices();
  const linkWaits = new LinkWaits(timers);
  const failures = new FailureLog(parts);
  const failed = (event: NodeFailure, error: unknown) => failures.failed(event, error);
  const others = new OtherNodes({ nodes: engines.nodes, node: link.node, clock, timers, failed });
  const counts = relayCounts(parts.metrics);
  const local = new LocalReach(connected, counts);
  const reach = new ClusterReach({ ...engines, connected, local, linkWaits, others, link, failed });
  const mail = new ClusterMail({
    ...engines,
    ...parts,
    ...ofMail,
    link,
    partitionTerms: parts.partitionTerms ?? partitionTerms,
    inboxTerms: parts.inboxTerms ?? { ...inboxTerms, window: parts.config.stream.inFlight },
    secret: deliverySecretOf(relayKey),
    recordBytes: recordBytes(parts.config),
    deleteEveryMs: parts.deleteEveryMs ?? deleteEveryMs,
    jitter: () => fraction(randomness),
    hint: ({ userId, deviceId }) => connected.get(userId, deviceId)?.hint(),
    heard: (word) => reach.heard(word),
    failed,
  });
  const listedCheck = new ListedCheck({ inboxes: mail.inboxes, listed: engines.listed, timers, failed });
  const relay = createRelay({
    ...parts,
    node: { counts, connected, claims: mail.claims, linkWaits, reach },
    checks: engines.checks,
    stores: { ...engines.stores, mailbox: mail.mailbox, presence: engines.presence, close },
  });
  const gauges = new MailGauges({
    ...parts,
    ...engines,
    mail,
    topics: [topics.toUser, topics.toGroup],
    retentionMs: parts.config.mailbox.retentionMs,
  });
  const { certificateEndsAt: endsAt } = parts;
  const certificate = endsAt === undefined ? undefined : new CertificateWatch({ ...parts, endsAt });
  let starting: ReturnType<Relay['start']> | undefined;

  async function start(): ReturnType<Relay['start']> {
    await mail.start();
    gauges.start();
    certificate?.start();
    await others.start();
    listedCheck.start();
    return relay.start();
  }

  /** Called by the relay when its streams have been drained. */
  function close(): Promise<void> {
    return closeEach([
      () => gauges.stop(),
      () => certificate?.stop(),
      () => listedCheck.stop(),
      () => mail.close(),
      () => others.stop(),
      () => link.close(),
      () => engines.close(),
    ]);
  }

  return {
    start: () => (starting ??= start()),
    async stop() {
      await starting?.catch(() => undefined);
      await relay.stop();
    },
    [Symbol.asyncDispose]() {
      return this.stop();
    },
  };
}

/** 0 <= fraction < 1. */
function fraction(randomness: Randomness): number {
  const [first = 0, second = 0] = randomness.bytes(2);
  return (first * 256 + second) / 65_536;
}
