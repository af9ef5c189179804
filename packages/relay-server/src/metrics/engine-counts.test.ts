import { describe, expect, it } from 'vitest';
import { MemoryListedDevices } from '../adapters/memory/listed-devices.ts';
import { MemoryMailLedger } from '../adapters/memory/mail-ledger.ts';
import { MemoryMailLog } from '../adapters/memory/mail-log.ts';
import { MemoryLogBroker } from '../adapters/memory/memory-log-broker.ts';
import { MemoryNodes } from '../adapters/memory/memory-nodes.ts';
import { MemoryRelayDisk, stateOf } from '../adapters/memory/memory-relay-disk.ts';
import { memoryStores } from '../adapters/memory/memory-stores.ts';
import { MemoryPendingStore } from '../adapters/memory/pending-store.ts';
import { MemoryPresence } from '../adapters/memory/presence.ts';
import { MemorySendReceipts } from '../adapters/memory/send-receipts.ts';
import { prometheusMetrics } from '../adapters/metrics/prometheus-metrics.ts';
import { someDevice } from '../conformance/samples.ts';
import { settableClock } from '../conformance/settable-clock.ts';
import { systemRandomness } from '../platform/system-randomness.ts';
import { systemTimers } from '../platform/system-timers.ts';
import type { ClusterEngines } from '../ports/cluster-engines.ts';
import { RelayError, type RelayErrorCode } from '../relay-error.ts';
import { countedEngines } from './engine-counts.ts';

/** As a node gets them, over memory. */
function someEngines(): ClusterEngines {
  const clock = settableClock();
  const disk = new MemoryRelayDisk();
  const broker = new MemoryLogBroker();
  broker.makeTopic('mail', 1);
  const log = new MemoryMailLog({ broker, clock, timers: systemTimers });
  return {
    stores: memoryStores({ clock, disk }),
    log,
    pending: new MemoryPendingStore(),
    presence: new MemoryPresence(systemRandomness),
    receipts: new MemorySendReceipts(systemRandomness),
    ledger: new MemoryMailLedger(),
    listed: new MemoryListedDevices(stateOf(disk)),
    nodes: new MemoryNodes(),
    checks: [],
    close: () => log.close(),
  };
}

const nothing = {
  assigned: () => undefined,
  revoked: async () => undefined,
  records: async () => undefined,
  skipped: () => undefined,
  failed: () => undefined,
};

describe('countedEngines', () => {
  it('times calls by engine and operation, and answers as the ports do', async () => {
    const metrics = prometheusMetrics();
    const engines = countedEngines(someEngines(), metrics);
    const device = someDevice();
    const { epoch } = await engines.presence.claim(device, 'a');
    expect(await engines.presence.holder(device)).toEqual({ node: 'a', epoch });
    const { partition, offset } = await engines.log.append('mail', Uint8Array.of(1), Uint8Array.of(2));
    expect([partition, offset]).toEqual([0, 0]);
    const consumer = await engines.log.consume({ group: 'g', topics: ['mail'], maxRecords: 1, drainMs: 1 }, nothing);
    await consumer.close();
    await engines.stores.blobs.put('a/b', Uint8Array.of(1));
    await engines.close();
    const text = await metrics.render();
    const counted = [...text.matchAll(/^relay_engine_seconds_count\{(.*)\} (\d+)$/gm)].map(([, labels, count]) => [
      labels,
      Number(count),
    ]);
    expect(counted).toEqual([
      ['engine="redis",operation="presence.claim"', 1],
      ['engine="redis",operation="presence.holder"', 1],
      ['engine="kafka",operation="log.append"', 1],
      ['engine="kafka",operation="log.consume"', 1],
      ['engine="kafka",operation="consumer.close"', 1],
      ['engine="s3",operation="blobs.put"', 1],
    ]);
    expect(text).not.toContain(device.userId);
  });

  it('counts what engines fail at, and not what they refuse', async () => {
    const metrics = prometheusMetrics();
    const real = someEngines();
    let code: RelayErrorCode | undefined;
    const nodes = {
      announce: async () => undefined,
      leave: async () => undefined,
      async others(): Promise<readonly string[]> {
        throw code === undefined ? new TypeError('a bug') : new RelayError(code, 'no');
      },
    };
    const engines = countedEngines({ ...real, nodes }, metrics);
    for (code of ['store-unavailable', 'store-unavailable', 'user-id-taken', undefined] as const) {
      await expect(engines.nodes.others('a', 0)).rejects.toThrow(code === undefined ? 'a bug' : 'no');
    }
    const text = await metrics.render();
    const failed = [...text.matchAll(/^relay_engine_failures_total\{(.*)\} ([1-9]\d*)$/gm)].map((match) => match[0]);
    expect(failed).toEqual([
      'relay_engine_failures_total{engine="redis",code="store-unavailable"} 2',
      'relay_engine_failures_total{engine="redis",code="internal"} 1',
    ]);
    await engines.close();
  });
});
