import { describe, expect, it } from 'vitest';
import { mail, roomy } from '../src/conformance/mail-samples.ts';
import { someDevice, start } from '../src/conformance/samples.ts';
import { MailCluster } from './mail-cluster.ts';
import { ManualTime } from './manual-time.ts';
import { MemoryGround } from './memory-ground.ts';

/** Two nodes, of which one has claimed a send and gets no answer from the log before `release`. */
async function claimedSend() {
  const time = new ManualTime();
  const ground = new MemoryGround(time, time, 1);
  const cluster = new MailCluster({ ground, clock: time, timers: time });
  const [slow, other] = [await cluster.start(), await cluster.start()];
  const came = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const append = slow.parts.log.append.bind(slow.parts.log);
  slow.parts.log.append = async (...given) => {
    came.resolve();
    await gate.promise;
    return append(...given);
  };
  const device = someDevice();
  const send = mail(device);
  const stored = slow.mail.mailbox.append(send, roomy);
  await came.promise;
  const again = () =>
    other.mail.mailbox.append(send, roomy).catch(({ code, retryable, retryAfterMs }) => ({
      code,
      retryable,
      retryAfterMs,
    }));
  const claimed = (retryAfterMs: number) => ({ code: 'send-claimed', retryable: true, retryAfterMs });
  return { time, cluster, slow, other, device, send, stored, again, claimed, release: gate.resolve };
}

describe('a send that another node has claimed', () => {
  it('is asked about the later the older the claim is, and stored when the claim of a node that died has ended', async () => {
    const { time, cluster, slow, again, claimed } = await claimedSend();
    cluster.crash(slow);
    for (const [passed, wait] of [
      [0, 1_000],
      [1_000, 1_000],
      [4_000, 5_000],
      [8_000, 7_000],
      [6_999, 1],
    ] as const) {
      time.jump(passed);
      expect(await again()).toEqual(claimed(wait));
    }
    time.jump(1);
    expect(await again()).toMatchObject({ repeated: false, results: [{ status: 'accepted' }] });
    expect(await again()).toMatchObject({ repeated: true });
    await cluster.close();
  });

  it('is recorded before a node that stops goes, though nobody waits for its result', async () => {
    const { cluster, slow, stored, again, claimed, release } = await claimedSend();
    cluster.nodes.splice(cluster.nodes.indexOf(slow), 1);
    let isClosed = false;
    const closing = slow.mail.close().then(() => {
      isClosed = true;
    });
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([isClosed, await again()]).toEqual([false, claimed(1_000)]);
    release();
    await closing;
    expect(await again()).toMatchObject({ repeated: true, results: [{ status: 'accepted' }] });
    await stored;
    await slow.ground.close();
    await cluster.close();
  });

  it('is not waited for longer than a node drains', async () => {
    const { time, cluster, slow, stored, release } = await claimedSend();
    cluster.nodes.splice(cluster.nodes.indexOf(slow), 1);
    const closing = slow.mail.close();
    time.advance(5_000);
    await closing;
    release();
    await stored;
    await slow.ground.close();
    await cluster.close();
  });

  it('may be stored twice when the append outlives its claim: both are accepted, and the first result stays', async () => {
    const { time, cluster, other, device, send, stored, again, claimed, release } = await claimedSend();
    expect(await again()).toEqual(claimed(1_000));
    time.jump(20_000);
    const second = await again();
    expect(second).toMatchObject({ repeated: false, results: [{ status: 'accepted' }] });
    release();
    expect(await stored).toMatchObject({ repeated: false, results: [{ status: 'accepted' }] });
    expect(await again()).toMatchObject({ repeated: true, results: [{ status: 'accepted' }] });
    await cluster.settled();
    await other.claim(device);
    const given = await other.mail.mailbox.reader(device).next(10, start);
    const envelope = send.recipients[0]?.items[0]?.envelope;
    expect(given.map((entry) => entry.envelope)).toEqual([envelope, envelope]);
    await cluster.close();
  });
});
