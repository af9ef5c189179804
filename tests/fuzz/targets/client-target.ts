import { Envelope, ProtoError, ServerFrames } from '@sotto/proto';
import type { FuzzRandom } from '../fuzz-random.ts';
import type { FuzzTarget } from '../fuzz-target.ts';
import { someMessage } from '../proto-grammar.ts';
import { ClientProxy } from './client-proxy.ts';
import type { RelayUnderFuzz } from './relay-under-fuzz.ts';

/** Whatever a relay says, the client lives: it comes back, and what a friend writes then is there, once. */
export async function clientTarget(relay: RelayUnderFuzz): Promise<FuzzTarget> {
  const proxy = new ClientProxy(() => relay.url);
  const url = await proxy.listen();
  const carol = await relay.world.person({ relay: () => url });
  await relay.alice.say(carol, 'hello');
  await carol.received('hello');
  await relay.alice.say(carol, 'once more');
  await carol.received('once more');
  const delivered = proxy.heard.flatMap((message) =>
    ServerFrames.decode(message).frames.flatMap(({ deliver }) => (deliver?.envelope ? [deliver.envelope.slice()] : [])),
  );
  const delivery = (envelope: Uint8Array, id: number) =>
    ServerFrames.encode({ frames: [{ deliver: { deliveryId: new Uint8Array(8).fill(id), envelope } }] });
  return {
    name: 'client',
    seeds: () => [
      ...proxy.heard.map((message) => message.slice()),
      ...delivered.map((bytes, at) => delivery(bytes, at)),
    ],
    generate(random) {
      if (random.once(2) || delivered.length === 0) return someMessage('ServerFrames', random);
      // An envelope that came once, with one part of another.
      const envelope = Envelope.decode(random.pick(delivered));
      const other = someEnvelope(random);
      const names = ['suite', 'kind', 'ciphertext', 'messageId', 'senderUser', 'senderDevice', 'attempt'] as const;
      const name = random.pick(names);
      return delivery(Envelope.encode({ ...envelope, [name]: other[name] }), random.between(0, 255));
    },
    async run(input) {
      if (await proxy.inject(input)) return;
      carol.client.reconnect();
      await carol.live();
      await proxy.inject(input);
    },
    async settle() {
      carol.client.reconnect();
      await carol.live();
      const text = `still here ${crypto.randomUUID()}`;
      await relay.alice.say(carol, text);
      await carol.received(text);
      const copies = (await carol.history(relay.alice)).filter((message) => message.text === text);
      if (copies.length !== 1) throw new Error(`a message is there ${copies.length} times`);
      const strangers = (await carol.history(relay.alice)).filter(
        ({ text: said }) => !/^(hello|once more|still here )/.test(said),
      );
      if (strangers.length > 0) throw new Error('something was shown that nobody wrote');
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

/** Fields of an envelope; the grammar also makes what is none. */
function someEnvelope(random: FuzzRandom): Envelope {
  for (;;) {
    try {
      return Envelope.decode(someMessage('Envelope', random));
    } catch (error) {
      if (!(error instanceof ProtoError)) throw error;
    }
  }
}
