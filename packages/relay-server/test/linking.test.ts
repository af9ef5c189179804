import { randomBytes } from 'node:crypto';
import { toBase64Url } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { call, refusal, register } from './raw-client.ts';
import { deviceCode, leave, openLink, poll } from './raw-devices.ts';
import { ecPrekey, randomToken } from './raw-keys.ts';
import { startRelay, type TestRelay } from './test-relay.ts';

const unknown = { status: 404, code: 'link-unknown', retryable: false };
const message = () => toBase64Url(randomBytes(700));

/** Resolves when a poll waits at the relay: it has a timer then that was not there before. */
async function waits({ time }: TestRelay, pendingBefore: number): Promise<void> {
  while (time.pending <= pendingBefore) await new Promise((resolve) => setImmediate(resolve));
}

describe('linking a device', () => {
  it('hands one sealed message to the device that opened the link', async () => {
    await using relay = await startRelay();
    const alice = await register(relay, '+14155550101');
    const link = await openLink(relay);
    expect(link.expiresInMs).toBe(120_000);
    const sealed = link.secretKey.getPublicKey().seal(new Uint8Array(randomBytes(400)), 'test');
    expect((await leave(relay, alice.token, link, toBase64Url(sealed))).status).toBe(204);
    expect(await poll(relay, link)).toMatchObject({ status: 200, body: { message: toBase64Url(sealed) } });
  });

  it('gives the message to one of those who ask, once  [security: linking-phishing]', async () => {
    await using relay = await startRelay();
    const alice = await register(relay, '+14155550101');
    const link = await openLink(relay);
    await leave(relay, alice.token, link, message());
    const answers = await Promise.all(Array.from({ length: 8 }, () => poll(relay, link)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404, 404, 404, 404, 404, 404]);
    expect(await refusal(poll(relay, link))).toMatchObject(unknown);
  });

  it('takes one message, and none from whoever scans the code later  [security: linking-phishing]', async () => {
    await using relay = await startRelay();
    const alice = await register(relay, '+14155550101');
    const mallory = await register(relay, '+14155550102');
    const link = await openLink(relay);
    const first = message();
    expect((await leave(relay, alice.token, link, first)).status).toBe(204);
    for (const { token } of [mallory, alice]) {
      expect(await refusal(leave(relay, token, link, message()))).toMatchObject(unknown);
    }
    expect((await poll(relay, link)).body.message).toBe(first);
    // The code was shown a second time: replayed by a picture of it, for instance.
    expect(await refusal(leave(relay, alice.token, link, message()))).toMatchObject(unknown);
  });

  it('ends after two minutes, to the millisecond  [security: linking-phishing]', async () => {
    await using relay = await startRelay();
    const alice = await register(relay, '+14155550101');
    const [empty, full] = [await openLink(relay), await openLink(relay)];
    await leave(relay, alice.token, full, message());
    relay.time.jump(119_999);
    const inTime = await openLink(relay);
    expect((await leave(relay, alice.token, inTime, message())).status).toBe(204);
    relay.time.jump(1);
    expect(await refusal(leave(relay, alice.token, empty, message()))).toMatchObject(unknown);
    expect(await refusal(poll(relay, empty))).toMatchObject(unknown);
    expect(await refusal(poll(relay, full))).toMatchObject(unknown);
    expect((await poll(relay, inTime)).status).toBe(200);
  });

  it('tells guesses, foreign tokens and foreign keys nothing  [security: linking-phishing]', async () => {
    await using relay = await startRelay();
    const alice = await register(relay, '+14155550101');
    const [link, other] = [await openLink(relay), await openLink(relay)];
    const id = randomToken(16);
    const guesses = await Promise.all([
      refusal(poll(relay, { ...link, pollToken: randomToken() })),
      refusal(poll(relay, { ...link, pollToken: other.pollToken })),
      refusal(poll(relay, { ...link, linkId: id })),
      refusal(poll(relay, { ...link, linkId: 'x' })),
      refusal(leave(relay, alice.token, { ...link, linkId: id }, message())),
      refusal(leave(relay, alice.token, { ...link, publicKey: other.publicKey }, message())),
    ]);
    for (const guess of guesses) expect(guess).toEqual(guesses[0]);
    expect(guesses[0]).toMatchObject(unknown);
    expect(await refusal(leave(relay, randomToken(), link, message()))).toMatchObject({ code: 'token-invalid' });
    // None of it has spoiled the link.
    expect((await leave(relay, alice.token, link, message())).status).toBe(204);
    expect((await poll(relay, link)).status).toBe(200);
  });

  it('lets an address begin six, then one in two minutes  [security: linking-phishing]', async () => {
    await using relay = await startRelay();
    for (let count = 0; count < 6; count++) await openLink(relay);
    const body = { publicKey: ecPrekey(1).publicKey };
    const refused = await refusal(call(relay, 'POST', '/v1/linking', { body }));
    expect(refused).toMatchObject({ status: 429, code: 'rate-limited', retryAfterMs: 120_000 });
    relay.time.jump(120_000);
    await openLink(relay);
    expect(await refusal(call(relay, 'POST', '/v1/linking', { body }))).toMatchObject({ code: 'rate-limited' });
  });

  it('waits for the message, and is woken by it', async () => {
    await using relay = await startRelay();
    const alice = await register(relay, '+14155550101');
    const link = await openLink(relay);
    const { pending } = relay.time;
    const waiting = poll(relay, link);
    await waits(relay, pending);
    const sent = message();
    await leave(relay, alice.token, link, sent);
    expect(await waiting).toMatchObject({ status: 200, body: { message: sent } });
    expect(relay.time.pending).toBe(pending);
  });

  it('says after a while that there is nothing yet, and at the end that the link has ended', async () => {
    await using relay = await startRelay();
    const link = await openLink(relay);
    const { pending } = relay.time;
    const first = poll(relay, link);
    await waits(relay, pending);
    relay.time.advance(25_000);
    expect(await first).toMatchObject({ status: 200, body: {} });
    relay.time.jump(90_000);
    const second = refusal(poll(relay, link));
    await waits(relay, pending);
    relay.time.advance(5_000);
    expect(await second).toMatchObject(unknown);
  });

  it('keeps the message from a request that was given up, for the next', async () => {
    await using relay = await startRelay();
    const alice = await register(relay, '+14155550101');
    const link = await openLink(relay);
    const { pending } = relay.time;
    const given = new AbortController();
    const first = fetch(`${relay.url}/v1/linking/${link.linkId}/message`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ pollToken: link.pollToken }),
      signal: given.signal,
    });
    await waits(relay, pending);
    given.abort();
    await expect(first).rejects.toThrow();
    while (relay.time.pending > pending) await new Promise((resolve) => setImmediate(resolve));
    const sent = message();
    await leave(relay, alice.token, link, sent);
    expect((await poll(relay, link)).body.message).toBe(sent);
  });

  it('does not hold up a relay that goes down', async () => {
    await using relay = await startRelay();
    const link = await openLink(relay);
    const { pending } = relay.time;
    const waiting = poll(relay, link);
    await waits(relay, pending);
    await relay.relay.stop();
    expect(await waiting).toMatchObject({ status: 200, body: {} });
  });

  it('takes keys that are keys, and messages up to 16 KiB', async () => {
    await using relay = await startRelay();
    const alice = await register(relay, '+14155550101');
    const bad = call(relay, 'POST', '/v1/linking', { body: { publicKey: randomToken(32) } });
    expect(await refusal(bad)).toMatchObject({ status: 400, code: 'key-malformed' });
    const link = await openLink(relay);
    const tooLarge = leave(relay, alice.token, link, randomToken(16 * 1024 + 1));
    expect(await refusal(tooLarge)).toMatchObject({ status: 413, code: 'request-too-large' });
    expect((await leave(relay, alice.token, link, randomToken(16 * 1024))).status).toBe(204);
  });

  it('leaves neither tokens, codes nor ids in the log  [security: log-metadata]', async () => {
    await using relay = await startRelay();
    const alice = await register(relay, '+14155550101');
    const link = await openLink(relay);
    const code = await deviceCode(relay, alice.token);
    await leave(relay, alice.token, link, message());
    await poll(relay, link);
    await refusal(poll(relay, link));
    for (const secret of [link.linkId, link.pollToken, link.publicKey, code, alice.token, alice.keys.userId]) {
      expect(relay.log()).not.toContain(secret);
    }
  });
});
