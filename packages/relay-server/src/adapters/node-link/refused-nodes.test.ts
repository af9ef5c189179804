import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { TestAuthority, type TestCertificate, type TestCertificateOptions } from '../../../test/certificates.ts';
import { ManualTime } from '../../../test/manual-time.ts';
import { NodeProxy } from '../../../test/node-proxy.ts';
import { refusalOf } from '../../conformance/harness.ts';
import { systemRandomness } from '../../platform/system-randomness.ts';
import { silentLogger } from '../memory/silent-logger.ts';
import { defaultLinkSettings, type LinkSettings } from './link-settings.ts';
import type { NodeCredentials } from './node-credentials.ts';
import { answerFrame, cancelFrame, encodeNodeFrames, requestFrame } from './node-frames.ts';
import { listenForNodes } from './node-listener.ts';
import { nodeNameOf } from './node-name.ts';
import { TlsNodeLink } from './tls-node-link.ts';

const authority = new TestAuthority();
const elsewhere = new TestAuthority('Another authority');
const ample = { timeoutMs: 86_400_000 };
const message = new TextEncoder().encode('a question');
const notDone = { status: 'unreachable', mayHaveArrived: false };
const past = { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 3_600_000) };

describe('between nodes', () => {
  const time = new ManualTime();
  const ends: (() => Promise<unknown>)[] = [];
  const handed: string[] = [];

  afterEach(async () => {
    await Promise.all(ends.splice(0).map((end) => end()));
    handed.length = 0;
    expect(time.pending).toBe(0);
  });

  interface Start {
    readonly by?: TestAuthority;
    readonly trusts?: Pick<TestAuthority, 'certificate'>;
    readonly names?: TestCertificateOptions;
    readonly host?: string;
    readonly port?: number;
    readonly settings?: Partial<LinkSettings>;
    readonly credentials?: NodeCredentials;
  }

  async function start({ by = authority, trusts = authority, names = {}, host = 'localhost', ...rest }: Start = {}) {
    const link = await TlsNodeLink.open({
      listen: { host: '127.0.0.1', port: 0 },
      advertise: { host, port: rest.port },
      credentials: rest.credentials ?? { ...by.issue(names), authority: trusts.certificate },
      settings: { breakAfter: 1, ...rest.settings },
      clock: time,
      timers: time,
      randomness: systemRandomness,
      logger: silentLogger,
    });
    ends.push(() => link.abandon());
    link.serve(async (from, asked) => {
      handed.push(from);
      return asked;
    });
    return link;
  }

  /** Asks both ways that the link goes on. */
  async function expectWorking(link: TlsNodeLink) {
    const node = await start();
    expect(await node.request(link.node, message, ample)).toEqual({ status: 'answered', answer: Buffer.from(message) });
    expect(handed).toEqual([node.node]);
  }

  /** What a connection gives until it ends. */
  function everything(socket: Duplex): Promise<string> {
    let text = '';
    socket.on('data', (data: Buffer) => {
      text += data.toString('latin1');
    });
    socket.on('error', () => undefined);
    return new Promise((resolve) => socket.on('close', () => resolve(text)));
  }

  const tls = (link: TlsNodeLink, own: Partial<TestCertificate>, options: ConnectionOptions = {}) =>
    connectTls({
      host: '127.0.0.1',
      port: link.port,
      servername: 'localhost',
      ca: authority.certificate,
      ...(own.certificate === undefined ? {} : { cert: own.certificate, key: own.key }),
      ...options,
    });

  const upgrade = (from: string, to: string) =>
    [
      'GET /node HTTP/1.1',
      'Host: localhost',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      'Sec-WebSocket-Protocol: sotto.node.v1',
      `sotto-node-from: ${from}`,
      `sotto-node-to: ${to}`,
      '\r\n',
    ].join('\r\n');

  it('a connection ends with the certificate that was shown on it, whoever has made it', async () => {
    for (const ending of ['asker', 'asked'] as const) {
      const end = Math.ceil(Math.max(Date.now(), time.now()) / 1000) * 1000 + 3_600_000;
      const soon = { notAfter: new Date(end) };
      // Before there are timers: one look at the connection comes before the end, the next one after it.
      time.jump(end - 2000 - time.now());
      const asked = await start({ names: ending === 'asked' ? soon : {} });
      const asker = await start({ names: ending === 'asker' ? soon : {} });
      expect((await asker.request(asked.node, message, ample)).status).toBe('answered');
      time.advance(1500);
      expect((await asker.request(asked.node, message, ample)).status).toBe('answered');
      expect(asked.connected).toBe(1);
      time.advance(1500);
      await expect.poll(() => asked.connected).toBe(0);
      await Promise.all([asked.abandon(), asker.abandon()]);
    }
  });

  it('who has a certificate of the CA for its host is taken, by IP address as well', async () => {
    const link = await start({
      host: '127.0.0.1',
      names: { hosts: ['127.0.0.1'], usages: ['serverAuth', 'clientAuth'] },
    });
    await expectWorking(link);
    expect((await link.request(link.node, message, ample)).status).toBe('answered');
  });

  it.each<[string, Partial<TestCertificate>, ConnectionOptions]>([
    ['a certificate of another CA', elsewhere.issue(), {}],
    ['an expired certificate', authority.issue(past), {}],
    ['a certificate that is not valid yet', authority.issue({ notBefore: new Date(Date.now() + 3_600_000) }), {}],
    ['a certificate for servers only', authority.issue({ usages: ['serverAuth'] }), {}],
    ['no certificate', {}, {}],
    ['TLS 1.2', authority.issue(), { maxVersion: 'TLSv1.2' }],
  ])('who comes with %s is heard with not a byte', async (_, own, options) => {
    const link = await start();
    const socket = tls(link, own, options);
    const heard = everything(socket);
    socket.write(upgrade('localhost:1/abc', link.node));
    expect(await heard).toBe('');
    await expectWorking(link);
  });

  /** Listens as a node does, with a certificate that none would begin with; gives its name. */
  async function impostor(own: TestCertificate): Promise<string> {
    let node: string | undefined;
    const listener = await listenForNodes({
      host: '127.0.0.1',
      port: 0,
      credentials: { ...own, authority: authority.certificate },
      settings: defaultLinkSettings,
      logger: silentLogger,
      name: () => node,
      onNode: (from, socket) => {
        handed.push(from);
        socket.terminate();
      },
    });
    ends.push(() => listener.close());
    node = nodeNameOf({ host: 'localhost', port: listener.port, start: 'abc' });
    return node;
  }

  it.each<[string, TestCertificate]>([
    ['of another CA', elsewhere.issue()],
    ['that has expired', authority.issue(past)],
    ['for clients only', authority.issue({ usages: ['clientAuth'] })],
  ])('a node with a certificate %s is asked nothing', async (_, own) => {
    const [asker, node] = [await start(), await impostor(own)];
    expect(await asker.request(node, message, ample)).toEqual(notDone);
    expect(handed).toEqual([]);
  });

  it('a node with a certificate as it should be is asked where that impostor stands', async () => {
    const [asker, node] = [await start(), await impostor(authority.issue())];
    await asker.request(node, message, ample);
    expect(handed).toEqual([asker.node]);
  });

  it('a node with a certificate of another host is asked nothing', async () => {
    const [asker, link] = [await start(), await start({ host: 'other.example', names: { hosts: ['other.example'] } })];
    const there = link.node.replace('other.example', 'localhost');
    expect(await asker.request(there, message, ample)).toEqual(notDone);
    expect(handed).toEqual([]);
  });

  it('who says that it is another host than its certificate names is refused', async () => {
    const link = await start();
    for (const from of ['other.example:1/abc', '127.0.0.1:1/abc', 'localhost', '']) {
      const socket = tls(link, authority.issue());
      const heard = everything(socket);
      socket.write(upgrade(from, link.node));
      expect((await heard).split('\r\n')[0]).toBe('HTTP/1.1 403 certificate of another host');
    }
    await expectWorking(link);
  });

  it('who means another start, speaks another protocol or plain HTTP is told so', async () => {
    const link = await start();
    const valid = upgrade('localhost:1/abc', link.node);
    for (const [request, answer] of [
      [valid.replace(link.node, `localhost:${link.port}/former`), 'HTTP/1.1 421 other start'],
      [valid.replace('sotto.node.v1', 'sotto.node.v2'), 'HTTP/1.1 400 other protocol'],
      [valid.replace('/node', '/v1/stream'), 'HTTP/1.1 400 other protocol'],
      ['GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', 'HTTP/1.1 426 Upgrade Required'],
      ['no HTTP at all\r\n\r\n', 'HTTP/1.1 400 Bad Request'],
    ] as const) {
      const socket = tls(link, authority.issue());
      const heard = everything(socket);
      socket.write(request);
      expect((await heard).split('\r\n')[0]).toBe(answer);
    }
    await expectWorking(link);
  });

  it('no connection goes on with the TLS session of another', async () => {
    const link = await start();
    const own = authority.issue();
    const first = tls(link, own);
    const session = new Promise<Buffer>((resolve) => first.once('session', resolve));
    const ended = everything(first);
    first.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await ended;
    const second = tls(link, own, { session: await session });
    const heard = everything(second);
    second.write(upgrade('localhost:1/abc', link.node));
    expect(await heard).toBe('');
    await expectWorking(link);
  });

  it('plain TCP, garbage and those who say nothing or too little are ended', async () => {
    const link = await start({ settings: { handshakeMs: 100 } });
    for (const words of [upgrade('localhost:1/abc', link.node), '\x16\x03\x01\x00\x05nonsense', undefined]) {
      const socket = connectTcp(link.port, '127.0.0.1');
      const heard = everything(socket);
      if (words !== undefined) socket.write(words);
      expect(await heard).not.toContain('HTTP/1.1 1');
    }
    for (const words of [upgrade('localhost:1/abc', link.node).slice(0, 100), undefined]) {
      const socket = tls(link, authority.issue());
      const heard = everything(socket);
      if (words !== undefined) socket.write(words);
      expect(await heard).not.toContain('HTTP/1.1 1');
    }
    await expectWorking(link);
  });

  describe('a node that breaks the protocol', () => {
    /** A connection as a node makes it. */
    async function connected(link: TlsNodeLink, from = 'localhost:1/abc') {
      const { certificate, key } = authority.issue();
      const socket = new WebSocket(`wss://localhost:${link.port}/node`, 'sotto.node.v1', {
        ca: authority.certificate,
        cert: certificate,
        key,
        headers: { 'sotto-node-from': from, 'sotto-node-to': link.node },
      });
      socket.on('error', () => undefined);
      const closed = new Promise<number>((resolve) => socket.on('close', resolve));
      await new Promise((resolve) => socket.on('open', resolve));
      return { socket, closed };
    }

    it.each<[string, Buffer | string]>([
      ['garbage', Buffer.from('no frame at all')],
      ['text', 'text'],
      ['an answer that nobody asked for', encodeNodeFrames([answerFrame(1, message)])],
      ['an id twice', encodeNodeFrames([requestFrame(1, 1_000, message), requestFrame(1, 1_000, message)])],
      ['too much', Buffer.alloc(200_000)],
    ])('by %s loses this connection, and no other', async (_, words) => {
      const link = await start({ settings: { mostMessageBytes: 100_000 } });
      const node = await start();
      expect((await node.request(link.node, message, ample)).status).toBe('answered');
      const { socket, closed } = await connected(link);
      socket.send(words);
      await closed;
      expect((await node.request(link.node, message, ample)).status).toBe('answered');
      expect(handed.filter((from) => from === node.node).length).toBe(2);
    });

    it('is answered by its own id, and what it gives up it may ask anew', async () => {
      const link = await start();
      const { socket, closed } = await connected(link);
      const signals: AbortSignal[] = [];
      const answers: ((answer: Uint8Array) => void)[] = [];
      link.serve((_, __, { signal }) => {
        signals.push(signal);
        return new Promise((resolve) => answers.push(resolve));
      });
      const ask = requestFrame(9, 60_000, message);
      socket.send(encodeNodeFrames([ask, cancelFrame(9), cancelFrame(77), ask]));
      const heard = new Promise<Buffer>((resolve) => socket.on('message', resolve));
      await expect.poll(() => answers.length).toBe(2);
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
      answers[0]?.(Buffer.from('late'));
      answers[1]?.(Buffer.from('now'));
      expect(await heard).toEqual(encodeNodeFrames([answerFrame(9, Buffer.from('now'))]));
      socket.close();
      await closed;
    });

    it('has its requests only for the time that it named', async () => {
      const link = await start();
      const { socket, closed } = await connected(link);
      const signals: AbortSignal[] = [];
      link.serve((_, __, { signal }) => {
        signals.push(signal);
        return new Promise(() => undefined);
      });
      socket.send(encodeNodeFrames([requestFrame(1, 1_000, message), requestFrame(2, 2_000, message)]));
      await expect.poll(() => signals.length).toBe(2);
      time.advance(1_000);
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
      socket.close();
      await closed;
    });

    it('who connects anew under its name ends what it had', async () => {
      const link = await start();
      const { socket, closed } = await connected(link);
      const calls: AbortSignal[] = [];
      link.serve((_, __, { signal }) => {
        calls.push(signal);
        return new Promise(() => undefined);
      });
      socket.send(encodeNodeFrames([requestFrame(1, 60_000, message)]));
      await expect.poll(() => calls.length).toBe(1);
      const again = await connected(link);
      await closed;
      expect(calls[0]?.aborted).toBe(true);
      again.socket.terminate();
    });
  });

  it('a node that fails is tried so often, then not at all, then once', async () => {
    const proxy = new NodeProxy();
    await proxy.listen();
    ends.push(() => proxy.close());
    const asker = await start({ settings: { breakAfter: 3, coolDownMs: 2_000, backOffMs: 50, pingMs: 3_600_000 } });
    const link = await start({ port: proxy.port });
    proxy.lead(link.port);
    proxy.cut();
    const asked = asker.request(link.node, message, ample);
    for (const attempt of [1, 2, 3]) {
      await expect.poll(() => proxy.attempts).toBe(attempt);
      // The attempt has failed when the next one waits.
      if (attempt < 3) await expect.poll(() => time.advance(10) ?? proxy.attempts).toBeGreaterThan(attempt);
    }
    expect(await asked).toEqual(notDone);
    proxy.heal();
    for (let call = 0; call < 5; call++) expect(await asker.request(link.node, message, ample)).toEqual(notDone);
    expect(proxy.attempts).toBe(3);
    time.advance(2_000);
    expect((await asker.request(link.node, message, ample)).status).toBe('answered');
    expect(proxy.attempts).toBe(4);
  });

  it('nodes of two authorities link while both are trusted, as during a change from one to the other', async () => {
    const both = { certificate: authority.certificate + elsewhere.certificate };
    const [old, renewed] = [await start({ trusts: both }), await start({ by: elsewhere, trusts: both })];
    expect((await old.request(renewed.node, message, ample)).status).toBe('answered');
    expect((await renewed.request(old.node, message, ample)).status).toBe('answered');
    const last = await start({ by: elsewhere, trusts: elsewhere });
    expect((await last.request(renewed.node, message, ample)).status).toBe('answered');
    expect((await renewed.request(last.node, message, ample)).status).toBe('answered');
  });

  it('credentials that can not be used are refused at the start', async () => {
    const [own, stranger] = [authority.issue(), authority.issue({ hosts: ['other.example'] })];
    const ca = authority.certificate;
    for (const credentials of [
      { ...own, key: stranger.key, authority: ca },
      { ...stranger, authority: ca },
      { ...own, certificate: 'nonsense', authority: ca },
      { ...own, key: 'nonsense', authority: ca },
      { ...own, authority: '' },
    ]) {
      expect(await refusalOf(start({ credentials }))).toBe('config-invalid');
    }
  });
});
