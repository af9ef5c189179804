import { describe, expect, it } from 'vitest';
import { liveMailboxConformance } from '../src/conformance/live-mailbox.ts';
import { mailboxConformance } from '../src/conformance/mailbox.ts';
import { sealedMailConformance } from '../src/conformance/sealed-mail.ts';
import { sharedMailConformance } from '../src/conformance/shared-mail.ts';
import { clusterHarness, memoryCluster } from './cluster-harness.ts';

const runner = { describe, it, expect };

describe.each([
  { nodes: 1, claimed: false },
  { nodes: 1, claimed: true },
  { nodes: 2, claimed: false },
  { nodes: 2, claimed: true },
  { nodes: 2, claimed: false, topicKey: 'sender' as const },
  { nodes: 2, claimed: true, topicKey: 'sender' as const },
])('the mailbox of a cluster, nodes: $nodes, devices connected: $claimed, by $topicKey', (options) => {
  const { topicKey = 'recipient' } = options;
  const maker = clusterHarness({ ...options, cluster: () => memoryCluster({ topicKey }) });
  mailboxConformance(runner, maker);
  liveMailboxConformance(runner, maker);
  sharedMailConformance(runner, maker);
  sealedMailConformance(runner, maker);
});
