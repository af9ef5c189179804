import { logNames } from './config/log-names.ts';
import type { RelayConfig } from './config/relay-config.ts';

const dayMs = 86_400_000;
const batchHeadBytes = 64 * 1024;

/** The most bytes of one record of mail: a send that a stream takes, with what the relay adds for each device. */
export function recordBytes({ stream }: Pick<RelayConfig, 'stream'>): number {
  return 2 * stream.maxMessageBytes;
}

/** How the topics of a relay are. */
export function topicTerms({ kafka, stream }: Pick<RelayConfig, 'kafka' | 'stream'>) {
  return {
    topics: Object.values(logNames(kafka).topics),
    partitions: kafka.partitions,
    replication: kafka.replicas,
    // A majority: with three, one broker may be gone, and an acknowledged record stands on two.
    minInSync: Math.floor(kafka.replicas / 2) + 1,
    retentionMs: 30 * dayMs,
    maxMessageBytes: recordBytes({ stream }) + batchHeadBytes,
  };
}
