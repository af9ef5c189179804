import { randomBytes } from 'node:crypto';
import { Envelope } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { open, type RawAccount, register } from './raw-client.ts';
import { type RawStream, rawSend } from './raw-stream.ts';
import { pairOf, startCluster, type TestCluster, type TestNode, turns } from './test-cluster.ts';
import { unlimitedSends } from './test-relay.ts';

const config = { limits: unlimitedSends, stream: { idleTimeoutMs: 86_400_000 } };

/** Takes `count` deliveries and acks each; gives their ciphertexts as text. */
async function read(stream: RawStream, count: number): Promise<string[]> {
  const texts: string[] = [];
  for (let taken = 0; taken < count; taken++) {
    const { envelope, deliveryId } = await stream.next('deliver');
    texts.push(textOf(envelope));
    stream.send({ ack: { deliveryIds: [deliveryId ?? new Uint8Array()] } });
  }
  return texts;
}

function textOf(envelope: Uint8Array | null | undefined): string {
  return Buffer.from(Envelope.decode(envelope ?? new Uint8Array()).ciphertext).toString();
}

const nothing = new Uint8Array();
const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `message ${from + at}`);

/** Sends texts in one lane; gives how many were accepted. */
async function sendAll(stream: RawStream, to: RawAccount, texts: readonly string[]): Promise<number> {
  const lane = randomBytes(8);
  stream.send(
    ...texts.map((text, at) => ({
      send: rawSend({ to: to.keys, ciphertext: Buffer.from(text), lane, laneNo: at + 1 }),
    })),
  );
  const results = await stream.take('sendResult', texts.length);
  return results.filter(({ refused, recipients }) => refused == null && recipients?.[0]?.status === 1).length;
}

async function people(cluster: TestCluster): Promise<readonly [RawAccount, RawAccount]> {
  const [first, second] = pairOf(cluster);
  return [await register(first, '+14155550101'), await register(second, '+14155550102')];
}

/** Waits until nothing is left for a device that has read all, whatever time that takes. */
async function isEmpty(cluster: TestCluster, node: TestNode, account: RawAccount): Promise<readonly string[]> {
  const stream = await open(node, account);
  await cluster.during(stream.next('queueEmpty'));
  await stream.settled();
  const left = [];
  while (stream.kinds.includes('deliver')) left.push(textOf((await stream.next('deliver')).envelope));
  await stream.close();
  return left;
}

describe('two relays on the same engines', () => {
  it('bring mail from a device at one to a device at the other, and back', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const [alice, bob] = await people(cluster);
    const [atFirst, atSecond] = [await open(first, alice), await open(second, bob)];
    const texts = numbered(20);
    expect(await sendAll(atFirst, bob, texts)).toBe(20);
    expect(await read(atSecond, 20)).toEqual(texts);
    expect(await sendAll(atSecond, alice, ['back'])).toBe(1);
    expect(await read(atFirst, 1)).toEqual(['back']);
  });

  it('give as much without an ack as the settings say', async () => {
    const inFlight = 300;
    await using cluster = await startCluster({ config: { ...config, stream: { ...config.stream, inFlight } } });
    const [first, second] = pairOf(cluster);
    const [alice, bob] = await people(cluster);
    const [from, at] = [await open(first, alice), await open(second, bob)];
    const texts = numbered(inFlight + 20);
    expect(await cluster.during(sendAll(from, bob, texts))).toBe(inFlight + 20);
    const given = await cluster.during(at.take('deliver', inFlight));
    expect(given.map(({ envelope }) => textOf(envelope))).toEqual(texts.slice(0, inFlight));
    await turns();
    await at.settled();
    expect(at.kinds).not.toContain('deliver');
  });

  it('give what came while a device was away, at whichever it connects to', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const [alice, bob] = await people(cluster);
    const from = await open(first, alice);
    const texts = numbered(40);
    expect(await sendAll(from, bob, texts)).toBe(40);
    const at = await open(second, bob);
    expect(await cluster.during(read(at, 40))).toEqual(texts);
    await cluster.during(at.settled());
    await at.close();
    expect(await isEmpty(cluster, first, bob)).toEqual([]);
  });

  it('give each message once and in order to a device that moves between them in the middle of 200', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const [alice, bob] = await people(cluster);
    const from = await open(first, alice);
    const texts = numbered(200);
    const sending = sendAll(from, bob, texts);
    const got: string[] = [];
    let stream = await open(second, bob);
    for (const node of [first, second, first, second]) {
      got.push(...(await cluster.during(read(stream, 40))));
      // So that the acks have arrived: what is acked is not given again.
      await stream.settled();
      const before = stream;
      stream = await open(node, bob);
      expect(await cluster.during(before.closed)).toMatchObject({ code: 4001 });
    }
    got.push(...(await cluster.during(read(stream, 40))));
    expect(await cluster.during(sending)).toBe(200);
    expect(got).toEqual(texts);
    await stream.settled();
    await stream.close();
    await turns();
    expect(await isEmpty(cluster, second, bob)).toEqual([]);
  });

  it('end the stream of a device that logs in again as replaced, at the same node too, and never the new one', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const [alice, bob] = await people(cluster);
    let before = await open(first, bob);
    for (const node of [first, first, second, second, first]) {
      const next = await open(node, bob);
      expect(await cluster.during(before.closed)).toMatchObject({ code: 4001 });
      await turns();
      await next.settled();
      before = next;
    }
    const from = await open(second, alice);
    expect(await sendAll(from, bob, ['still there'])).toBe(1);
    expect(await cluster.during(read(before, 1))).toEqual(['still there']);
  });

  it('go on without one that has crashed, with nothing lost and everything in order', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const [alice, bob] = await people(cluster);
    const from = await open(first, alice);
    const at = await open(second, bob);
    const texts = numbered(60);
    expect(await cluster.during(sendAll(from, bob, texts.slice(0, 40)))).toBe(40);
    const seen = await cluster.during(read(at, 15));
    expect(seen).toEqual(texts.slice(0, 15));
    await at.settled();
    cluster.crash(second);
    at.socket.terminate();
    expect(await cluster.during(sendAll(from, bob, texts.slice(40)))).toBe(20);
    const again = await open(first, bob);
    const rest: string[] = [];
    while (rest.at(-1) !== texts.at(-1)) rest.push(...(await cluster.during(read(again, 1))));
    // What was acked may come again: only the dead node knew.
    expect(rest.slice(-45)).toEqual(texts.slice(15));
    expect(rest).toEqual(texts.slice(60 - rest.length));
    await again.settled();
    await again.close();
    await turns();
    expect(await isEmpty(cluster, first, bob)).toEqual([]);
  });

  it('are restarted one after the other without a message lost, twice or out of order', async () => {
    await using cluster = await startCluster({ config });
    const [alice, bob] = await people(cluster);
    const texts = numbered(120);
    const got: string[] = [];
    for (let round = 0; round < 3; round++) {
      const [first, second] = pairOf(cluster);
      const [from, at] = [await open(first, alice), await open(second, bob)];
      expect(await cluster.during(sendAll(from, bob, texts.slice(round * 40, round * 40 + 40)))).toBe(40);
      // Some of it is read and acked, some is read by nobody, when the node goes that has the stream, or the partitions.
      got.push(...(await cluster.during(read(at, 25))));
      await at.settled();
      await cluster.stop(round % 2 === 0 ? second : first);
      expect(await (round % 2 === 0 ? at : from).closed).toMatchObject({ code: 1012 });
      await cluster.start();
      const [, newer] = pairOf(cluster);
      const moved = await open(newer, bob);
      got.push(...(await cluster.during(read(moved, 15))));
      await moved.settled();
      await Promise.all([from.close(), at.close(), moved.close()]);
      await turns();
    }
    expect(got).toEqual(texts);
    expect(await isEmpty(cluster, pairOf(cluster)[0], bob)).toEqual([]);
  });

  it('leave nothing that waits when they have stopped', async () => {
    const cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const [alice, bob] = await people(cluster);
    const [from, at] = [await open(first, alice), await open(second, bob)];
    expect(await sendAll(from, bob, ['one'])).toBe(1);
    expect(await read(at, 1)).toEqual(['one']);
    await cluster.stop(first);
    expect(await cluster.engines.nodes.others('', cluster.time.now())).toEqual([second.name]);
    await Promise.all([cluster.stop(second), second.relay.stop()]);
    await second.relay.stop();
    expect(await cluster.engines.nodes.others('', cluster.time.now())).toEqual([]);
    expect(cluster.time.pending).toBe(0);
    expect(first.log()).toContain('relay.stopped');
  });

  it('take nothing more of a lane behind a message for which there was no room, and what was accepted stays so', async () => {
    await using cluster = await startCluster({ config: { ...config, mailbox: { quotaCount: 3 } } });
    const [first, second] = pairOf(cluster);
    const [alice, bob] = await people(cluster);
    const from = await open(first, alice);
    const lane = randomBytes(8);
    const sends = numbered(6).map((text, at) =>
      rawSend({ to: bob.keys, ciphertext: Buffer.from(text), lane, laneNo: at + 1 }),
    );
    from.send(...sends.map((send) => ({ send })));
    const outcomes = (await cluster.during(from.take('sendResult', 6))).map((result) => ({
      at: sends.findIndex(({ sendId }) => Buffer.compare(sendId ?? nothing, result.sendId ?? nothing) === 0),
      outcome: result.refused?.code ?? result.recipients?.[0]?.status,
    }));
    const [accepted, full] = [1, 4];
    expect(outcomes.sort((one, other) => one.at - other.at).map(({ outcome }) => outcome)).toEqual([
      accepted,
      accepted,
      accepted,
      full,
      'superseded',
      'superseded',
    ]);
    const again = await open(second, alice);
    again.send(...sends.slice(2, 4).map((send) => ({ send: { ...send, lane: new Uint8Array(), laneNo: 0 } })));
    const repeated = await cluster.during(again.take('sendResult', 2));
    expect(new Set(repeated.map(({ recipients }) => recipients?.[0]?.status))).toEqual(new Set([accepted, full]));
    const to = await open(second, bob);
    expect(await cluster.during(read(to, 3))).toEqual(numbered(3));
    await to.settled();
    expect(await cluster.during(sendAll(again, bob, ['room again']))).toBe(1);
    expect(await cluster.during(read(to, 1))).toEqual(['room again']);
  });

  it('say so when they can not join, and leave nothing behind then', async () => {
    await using cluster = await startCluster({ config, nodes: 0 });
    cluster.engines.broker.deleteTopic('group_message');
    await expect(cluster.start()).rejects.toMatchObject({ code: expect.any(String) });
    expect(cluster.time.pending).toBe(0);
    expect(await cluster.engines.nodes.others('', cluster.time.now())).toEqual([]);
  });
});
