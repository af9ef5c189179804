import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TestAuthority } from '../../../test/certificates.ts';
import { ManualTime } from '../../../test/manual-time.ts';
import { NodeProxy } from '../../../test/node-proxy.ts';
import { type LinkedNode, nodeLinkConformance } from '../../conformance/node-link.ts';
import { systemRandomness } from '../../platform/system-randomness.ts';
import type { NodeLinkLimits } from '../../ports/node-link.ts';
import { silentLogger } from '../memory/silent-logger.ts';
import { TlsNodeLink } from './tls-node-link.ts';

const authority = new TestAuthority();
const credentials = { ...authority.issue(), authority: authority.certificate };

describe('over TLS', () =>
  nodeLinkConformance(
    { describe, it, expect },
    {
      async open() {
        const time = new ManualTime();
        const ends: (() => Promise<unknown>)[] = [];
        const start = async (proxy: NodeProxy, limits: Partial<NodeLinkLimits> = {}): Promise<LinkedNode> => {
          const link = await TlsNodeLink.open({
            listen: { host: '127.0.0.1', port: 0 },
            advertise: { host: 'localhost', port: proxy.port },
            credentials,
            settings: { ...limits, connectMs: 60_000, coolDownMs: 1_000 },
            clock: time,
            timers: time,
            randomness: systemRandomness,
            logger: silentLogger,
          });
          proxy.lead(link.port);
          proxy.heal();
          const crash = async () => {
            proxy.cut();
            await link.abandon();
          };
          ends.push(() => Promise.all([crash(), proxy.close()]));
          return {
            link,
            crash,
            restart: () => start(proxy, limits),
            cut: () => proxy.cut(),
            stall: () => proxy.stall(),
            heal: () => proxy.heal(),
          };
        };
        return {
          async start(limits) {
            const proxy = new NodeProxy();
            await proxy.listen();
            return start(proxy, limits);
          },
          async pass(ms) {
            time.advance(ms);
            // Sockets are real: a moment for the event loop to see to them.
            await new Promise((resolve) => setTimeout(resolve, 2));
          },
          close: async () => {
            await Promise.all(ends.map((end) => end()));
          },
        };
      },
    },
  ));

it('a process ends by itself once its links are closed', async () => {
  const script = fileURLToPath(new URL('./link-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=sotto-source', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect([code, output]).toEqual([0, 'answered unreachable\n']);
});
