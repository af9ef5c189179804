import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { TestAuthority } from '../../../test/certificates.ts';
import { ManualTime } from '../../../test/manual-time.ts';
import { NodeProxy } from '../../../test/node-proxy.ts';
import { refusalOf } from '../../conformance/harness.ts';
import { systemRandomness } from '../../platform/system-randomness.ts';
import { silentLogger } from '../memory/silent-logger.ts';
import type { LinkSettings } from './link-settings.ts';
import { encodeNodeFrames, requestFrame } from './node-frames.ts';
import { TlsNodeLink } from './tls-node-link.ts';

const authority = new TestAuthority();
const credentials = { ...authority.issue(), authority: authority.certificate };
const ample = { timeoutMs: 86_400_000 };

describe('what can not leave', () => {
  let time: ManualTime;
  let proxy: NodeProxy;
  let links: TlsNodeLink[];

  beforeEach(async () => {
    time = new ManualTime();
    links = [];
    proxy = new NodeProxy();
    await proxy.listen();
  });

  afterEach(async () => {
    await Promise.all([proxy.close(), ...links.map((link) => link.abandon())]);
    expect(time.pending).toBe(0);
  });

  async function start(settings: Partial<LinkSettings> = {}, port?: number) {
    const link = await TlsNodeLink.open({
      listen: { host: '127.0.0.1', port: 0 },
      advertise: { host: 'localhost', port },
      credentials,
      settings: { connectMs: 3_600_000, pingMs: 1_000, silentPings: 3, ...settings },
      clock: time,
      timers: time,
      randomness: systemRandomness,
      logger: silentLogger,
    });
    links.push(link);
    return link;
  }

  /** A node behind the proxy that notes what it is handed. */
  async function behindProxy(settings: Partial<LinkSettings> = {}) {
    const link = await start(settings, proxy.port);
    proxy.lead(link.port);
    const handed: number[] = [];
    link.serve(async (_, message) => {
      handed.push(Buffer.from(message).readUInt32BE(0));
      return message.subarray(0, 4);
    });
    return { link, handed };
  }

  function numbered(number: number, size = 4): Uint8Array {
    const message = Buffer.alloc(size);
    message.writeUInt32BE(number);
    return message;
  }

  it('is not done when its time is over or its asker gives up, and never leaves', async () => {
    const asker = await start();
    const { link, handed } = await behindProxy();
    proxy.stall();
    const late = asker.request(link.node, numbered(1), { timeoutMs: 500 });
    const patience = new AbortController();
    const given = refusalOf(asker.request(link.node, numbered(2), { ...ample, signal: patience.signal }));
    const kept = asker.request(link.node, numbered(3), ample);
    asker.tell(link.node, numbered(4));
    await expect.poll(() => proxy.attempts).toBe(1);
    time.advance(500);
    expect(await late).toEqual({ status: 'timed-out', mayHaveArrived: false });
    patience.abort('enough');
    expect(await given).toBe('enough');
    proxy.heal();
    await expect.poll(() => time.advance(10) ?? proxy.attempts).toBe(2);
    expect((await kept).status).toBe('answered');
    // The tell that waited went with the attempt that failed.
    expect(handed).toEqual([3]);
  });

  it('leaves by the next connection, in its order, and what had left is left to its asker', async () => {
    const asker = await start();
    const { link, handed } = await behindProxy();
    expect((await asker.request(link.node, numbered(0), ample)).status).toBe('answered');
    proxy.stall();
    const size = 200_000;
    const asked = Array.from({ length: 120 }, (_, index) => asker.request(link.node, numbered(index + 1, size), ample));
    // Silence is noticed by the fourth ping that hears nothing.
    for (let ping = 0; ping < 5; ping++) {
      await new Promise((resolve) => setImmediate(resolve));
      time.advance(1_000);
    }
    proxy.heal();
    await expect.poll(() => time.advance(10) ?? proxy.attempts).toBe(2);
    const replies = await Promise.all(asked);
    const firstAnswered = replies.findIndex(({ status }) => status === 'answered');
    expect(firstAnswered).toBeGreaterThan(0);
    expect(replies.slice(0, firstAnswered)).toEqual(
      Array.from({ length: firstAnswered }, () => ({ status: 'unreachable', mayHaveArrived: true })),
    );
    expect(replies.slice(firstAnswered).every(({ status }) => status === 'answered')).toBe(true);
    const answered = Array.from({ length: asked.length - firstAnswered }, (_, index) => firstAnswered + 1 + index);
    expect(handed.filter((number) => number > firstAnswered)).toEqual(answered);
  }, 60_000);

  it('is bounded for who asks and does not read', async () => {
    const link = await start({ mostRequests: 4 });
    let calls = 0;
    link.serve(async () => {
      calls++;
      return new Uint8Array(4_000_000);
    });
    const socket = new WebSocket(`wss://localhost:${link.port}/node`, 'sotto.node.v1', {
      ca: authority.certificate,
      cert: credentials.certificate,
      key: credentials.key,
      headers: { 'sotto-node-from': 'localhost:1/abc', 'sotto-node-to': link.node },
    });
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await new Promise((resolve) => socket.on('open', resolve));
    socket.pause();
    socket.send(encodeNodeFrames(Array.from({ length: 30 }, (_, id) => requestFrame(id, 60_000, numbered(id)))));
    await expect.poll(() => calls).toBe(4);
    await expect
      .poll(() => {
        if (socket.readyState === socket.OPEN) socket.send(encodeNodeFrames([requestFrame(99, 1, numbered(0))]));
        return link.connected;
      })
      .toBe(0);
    socket.terminate();
    await closed;
  });
});
