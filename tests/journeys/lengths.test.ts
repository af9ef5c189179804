import { CiphertextKind, RatchetMessage, Send } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from './journey-world.ts';
import { TappedSockets } from './tapped-sockets.ts';
import { WatchedSends } from './watched-sends.ts';

/** The sizes of docs/protocol.md up to what the longest text of this test needs: by hand, so that nothing of the code decides. */
const buckets = new Set([
  ...Array.from({ length: 25 }, (_, at) => (at + 1) * 160),
  ...Array.from({ length: 17 }, (_, at) => 4_096 + at * 256),
]);

/** What AES-CBC adds to a multiple of its block. */
const cbcBlock = 16;

/** What an eavesdropper sees of one message. */
interface Seen {
  readonly text: number;
  /** Of the plaintext with its padding, which the wire form shows. */
  readonly padded: number;
  /** The ratchet's own part: keys, counters, authentication. */
  readonly ratchet: number;
  /** What else of the send is not ciphertext. */
  readonly around: number;
}

function seenOf(send: Send, text: number): Seen {
  const [device] = send.recipients[0]?.devices ?? [];
  const wire = device?.ciphertext ?? new Uint8Array();
  expect(device?.kind).toBe(CiphertextKind.CIPHERTEXT_KIND_WHISPER);
  // A version byte, the message, eight bytes of MAC.
  const { ciphertext } = RatchetMessage.decode(wire.subarray(1, -8));
  const lengthBytes = (length: number) => (length < 128 ? 1 : 2);
  return {
    text,
    padded: ciphertext.length - cbcBlock,
    ratchet: wire.length - ciphertext.length - lengthBytes(ciphertext.length),
    around: Send.encode(send).length - wire.length,
  };
}

describe('what lengths tell', () => {
  it('of texts of 1 to 5,000 bytes the sizes on the wire are buckets, and nothing else of them grows with the text  [security: length-leak]', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const sockets = new TappedSockets(() => world.watch.changed());
    const platform = { sockets: sockets.factory };
    const [alice, bob] = [await world.person({ sealedSender: false, platform }), await world.person()];
    await exchange(alice, bob);
    await alice.say(bob, 'on a session that both have', 'delivered');
    const chat = await alice.chat(bob);
    const lengths = Array.from({ length: 500 }, (_, at) => 1 + at * 10).concat(4_999, 5_000);
    const from = sockets.sends.length;
    const messages = [];
    for (const length of lengths) messages.push(await chat.send('x'.repeat(length)));
    await Promise.all(messages.map((message) => alice.told('message.delivered', message)));
    const byId = new Map(messages.map(({ id, text }) => [id.replaceAll('-', ''), text.length]));
    const seen = sockets.sends.slice(from).flatMap((send) => {
      const text = byId.get(Buffer.from(send.messageId).toString('hex'));
      return text === undefined ? [] : [seenOf(send, text)];
    });
    expect(seen).toHaveLength(lengths.length);

    const histogram = Map.groupBy(seen, ({ padded }) => padded);
    expect([...histogram.keys()].filter((size) => !buckets.has(size))).toEqual([]);
    expect(histogram.size).toBeLessThanOrEqual(31);
    // Each size stands for many texts, and the rest of a send says nothing of which.
    const counted = [...histogram.values()].sort((a, b) => (a[0]?.padded ?? 0) - (b[0]?.padded ?? 0));
    for (const group of counted.slice(1, -1)) expect(group.length).toBeGreaterThanOrEqual(9);
    expect(new Set(seen.map(({ ratchet }) => ratchet)).size).toBeLessThanOrEqual(6);
    expect(new Set(seen.map(({ around }) => around)).size).toBeLessThanOrEqual(4);
  });

  it('of sealed senders no more: their messages are larger by the same for all  [security: length-leak]', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob] = [await WatchedSends.open(world), await world.person()];
    await exchange(alice.person, bob);
    await alice.person.say(bob, 'on a session that both have', 'delivered');
    const before = alice.sizes.length;
    const chat = await alice.person.chat(bob);
    const lengths = Array.from({ length: 100 }, (_, at) => 1 + at * 10);
    const messages = [];
    for (const length of lengths) messages.push(await chat.send('x'.repeat(length)));
    await Promise.all(messages.map((message) => alice.person.told('message.delivered', message)));
    const sizes = alice.sizes.slice(before, before + lengths.length).sort((a, b) => a - b);
    const steps = sizes.slice(1).map((size, at) => size - (sizes[at] ?? 0));
    // Seven or eight buckets of 160 bytes; a counter or a length that takes a byte more is all that is in between.
    expect(steps.filter((step) => step > 8).length).toBeLessThanOrEqual(8);
    expect(steps.filter((step) => step > 8 && Math.abs(step - 160) > 8)).toEqual([]);
  });
});
