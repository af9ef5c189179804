import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { prometheusMetrics } from '../adapters/metrics/prometheus-metrics.ts';
import { loadConfig } from '../config/load-config.ts';
import { relayCounts } from '../metrics/relay-counts.ts';
import { ConnectionCaps } from './connection-caps.ts';

it('a stream counts until its connection closes, and not at all when it has closed before [security: server-dos]', async () => {
  const { connections } = loadConfig();
  const caps = new ConnectionCaps({ ...connections, perAddress: 1 }, relayCounts(prometheusMetrics()), () => false);
  const enter = async (socket: PassThrough) => caps.enterStream('192.0.2.1', socket);
  const close = (socket: PassThrough) => Promise.all([once(socket, 'close'), socket.destroy()]);
  const [gone, first, second] = [new PassThrough(), new PassThrough(), new PassThrough()];
  await close(gone);
  await enter(gone);
  await enter(first);
  await expect(enter(second)).rejects.toMatchObject({ code: 'rate-limited', retryable: true });
  await close(first);
  await enter(second);
});
