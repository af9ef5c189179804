import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { describe, expect, it } from 'vitest';
import { webhookCodeSender } from './webhook-code-sender.ts';

const secret = randomBytes(24).toString('hex');
const message = { number: '+14155550101', code: '123456', expiresAt: 99 };
const clock = { now: () => 1_234 };

/** An SMS gateway in this process. */
async function gateway(answer: RequestListener) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sms`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const send = (url: string, changes: { allowPrivate?: boolean; lookup?: LookupFunction; signal?: AbortSignal } = {}) => {
  const { signal = new AbortController().signal, allowPrivate = true, lookup } = changes;
  return webhookCodeSender({ url, secret, allowPrivate, clock, ...(lookup && { lookup }) }).send(message, { signal });
};
const failed = { code: 'code-sender-unavailable' };

describe('webhookCodeSender [security: ssrf]', () => {
  it('posts the code, signed with its time', async () => {
    let seen: { method?: string; signature?: unknown; body: string } = { body: '' };
    await using server = await gateway((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => {
        seen.body += text;
      });
      request.on('end', () => {
        seen = { ...seen, method: request.method ?? '', signature: request.headers['sotto-signature'] };
        response.writeHead(204).end();
      });
    });
    await send(server.url);
    expect(JSON.parse(seen.body)).toEqual(message);
    const signature = createHmac('sha256', secret).update(`1234.${seen.body}`).digest('hex');
    expect(seen).toMatchObject({ method: 'POST', signature: `t=1234,v1=${signature}` });
  });

  it('follows no redirect and takes no other status for success', async () => {
    let asked = 0;
    await using server = await gateway((_request, response) => {
      asked++;
      const location = asked % 2 === 0 ? '/elsewhere' : 'http://169.254.169.254/latest/meta-data/';
      response.writeHead(asked < 3 ? 302 : 307, { location }).end();
    });
    for (let time = 1; time <= 4; time++) {
      await expect(send(server.url)).rejects.toMatchObject(failed);
      expect(asked).toBe(time);
    }
  });

  it('gives up when told to, and on an answer without end', async () => {
    await using silent = await gateway(() => undefined);
    const controller = new AbortController();
    const sending = send(silent.url, { signal: controller.signal });
    controller.abort();
    await expect(sending).rejects.toMatchObject(failed);
    await using endless = await gateway((_request, response) => {
      response.writeHead(500);
      response.write(Buffer.alloc(100_000));
    });
    await expect(send(endless.url)).rejects.toMatchObject(failed);
  });

  it('refuses private addresses, whatever name they stand behind', async () => {
    let asked = 0;
    await using server = await gateway((_request, response) => {
      asked++;
      response.end();
    });
    const port = new URL(server.url).port;
    const rebound: LookupFunction = (_name, options, callback) =>
      options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4);
    await expect(
      send(`https://gateway.example:${port}/`, { allowPrivate: false, lookup: rebound }),
    ).rejects.toMatchObject(failed);
    for (const host of [
      '127.0.0.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:a9fe:a9fe]',
      '[64:ff9b::7f00:1]',
      '169.254.169.254',
      '0x7f000001',
      '2130706433',
    ]) {
      await expect(send(`https://${host}:${port}/`, { allowPrivate: false })).rejects.toMatchObject(failed);
    }
    // A name that was public a moment ago, or has one public address among others.
    for (const addresses of [['127.0.0.1'], ['8.8.8.8', '10.0.0.1'], ['::ffff:127.0.0.1']]) {
      const lookup: LookupFunction = (_name, _options, callback) =>
        callback(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        );
      await expect(send(`https://gateway.example:${port}/`, { allowPrivate: false, lookup })).rejects.toMatchObject(
        failed,
      );
    }
    expect(asked).toBe(0);
    expect(() => webhookCodeSender({ url: server.url, secret, allowPrivate: false, clock })).toThrow('https');
  });
});
