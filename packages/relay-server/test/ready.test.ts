import { describe, expect, it } from 'vitest';
import { RelayError } from '../src/relay-error.ts';
import { call, open, register } from './raw-client.ts';
import { rawSend } from './raw-stream.ts';
import { startRelay } from './test-relay.ts';

describe('/readyz of a node of a cluster', () => {
  it('names the engines that do not answer, and nothing else of them', async () => {
    let [isUp, isRedisUp] = [true, true];
    const check = (engine: string) => async () => {
      if (engine === 'Redis' ? !isRedisUp : !isUp)
        throw new RelayError('config-invalid', 'redis://sotto:secret@10.0.0.1:6379 refuses');
    };
    const checks = ['Kafka', 'Cassandra', 'Redis', 'S3'].map((engine) => ({
      engine,
      spared: engine === 'S3',
      check: engine === 'Redis' || engine === 'S3' ? check(engine) : async () => undefined,
    }));
    await using relay = await startRelay({ checks });
    expect(await call(relay, 'GET', '/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } });
    [isUp, isRedisUp] = [false, false];
    relay.time.jump(1_000);
    const refused = await call(relay, 'GET', '/readyz');
    expect(refused.status).toBe(503);
    expect(refused.body).toEqual({
      error: { code: 'store-unavailable', message: 'Does not answer: Redis, S3.', retryable: true },
    });
    expect(relay.log()).not.toContain('10.0.0.1');
    isRedisUp = true;
    relay.time.jump(1_000);
    // Without S3 there are no avatars, and all mail.
    const without = await call(relay, 'GET', '/readyz');
    expect(without).toMatchObject({ status: 200, body: { status: 'ready', missing: ['S3'] } });
    isUp = true;
    relay.time.jump(1_000);
    expect((await call(relay, 'GET', '/readyz')).status).toBe(200);
  });

  it('is ready while another node is at a send, which is refused with the time after which to come again', async () => {
    await using relay = await startRelay({
      wrapStores: (real) => ({
        ...real,
        mailbox: new Proxy(real.mailbox, {
          get(mailbox, name) {
            const value: unknown = Reflect.get(mailbox, name, mailbox);
            if (typeof value !== 'function') return value;
            if (name !== 'append') return value.bind(mailbox);
            const claimed = { retryable: true, retryAfterMs: 4_000 };
            return () => Promise.reject(new RelayError('send-claimed', 'Another node is at it.', claimed));
          },
        }),
      }),
    });
    const [alice, bob] = [await register(relay, '+14155550101'), await register(relay, '+14155550102')];
    const from = await open(relay, alice);
    from.send({ send: rawSend({ to: bob.keys }) });
    const { refused } = await from.next('sendResult');
    expect(refused).toMatchObject({ code: 'send-claimed', retryable: true, retryAfterMs: 4_000 });
    expect((await call(relay, 'GET', '/readyz')).status).toBe(200);
    expect(relay.log()).not.toContain('mailbox.failed');
  });
});
