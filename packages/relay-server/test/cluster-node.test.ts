import { Envelope } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { open, register } from './raw-client.ts';
import { type RawStream, rawSend } from './raw-stream.ts';
import { pairOf, startCluster } from './test-cluster.ts';
import { unlimitedSends } from './test-relay.ts';

/** Takes `count` deliveries and acks each; gives their ciphertexts as text. */
async function read(stream: RawStream, count: number): Promise<string[]> {
  const texts: string[] = [];
  for (let taken = 0; taken < count; taken++) {
    const { envelope, deliveryId } = await stream.next('deliver');
    texts.push(Buffer.from(Envelope.decode(envelope ?? new Uint8Array()).ciphertext).toString());
    stream.send({ ack: { deliveryIds: [deliveryId ?? new Uint8Array()] } });
  }
  return texts;
}

const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `message ${from + at}`);

describe('two relays on the same engines', () => {
  it('bring mail from a device at one to a device at the other, and back', async () => {
    await using cluster = await startCluster({ config: { limits: unlimitedSends } });
    const [first, second] = pairOf(cluster);
    const alice = await register(first, '+14155550101');
    const bob = await register(second, '+14155550102');
    const [atFirst, atSecond] = [await open(first, alice), await open(second, bob)];
    const texts = numbered(20);
    atFirst.send(...texts.map((text) => ({ send: rawSend({ to: bob.keys, ciphertext: Buffer.from(text) }) })));
    const results = await atFirst.take('sendResult', texts.length);
    expect(results.every(({ refused }) => refused == null)).toBe(true);
    expect(await read(atSecond, texts.length)).toEqual(texts);
    atSecond.send({ send: rawSend({ to: alice.keys, ciphertext: Buffer.from('back') }) });
    expect(await read(atFirst, 1)).toEqual(['back']);
  });
});
