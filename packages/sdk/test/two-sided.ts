import { Content, type ContentFields } from '@sotto/proto';
import type { EventFact } from '../src/ports/event-records.ts';
import { ModelRelay } from './model-relay.ts';
import { delivered, type ReceivingDevice, receivingDevice } from './receiving-device.ts';
import { type SendingDevice, sendingDevice } from './sending-device.ts';
import { meetDevice, startSession, type TestDevice, testDevice } from './test-device.ts';

/** Bob, who can receive and send, and Alice, who writes to him. */
export interface TwoSided {
  readonly alice: TestDevice;
  readonly bob: TestDevice;
  readonly inbox: ReceivingDevice;
  readonly sender: SendingDevice;
  /** Something of Alice's arrives. */
  hear(fields: ContentFields, attempt?: number): Promise<void>;
  /** Texts of Alice's arrive together, with these numbers as their texts. */
  hearTexts(from: number, to: number): Promise<void>;
  /** What waits for Alice. */
  waiting(): Promise<readonly Content[]>;
  /** What was written down at Bob's, of these types. */
  facts(...types: readonly EventFact['type'][]): readonly EventFact[];
}

/** Alice knows Bob; he has not heard of her. */
export async function twoSided(): Promise<TwoSided> {
  const alice = await testDevice();
  const bob = await testDevice();
  await startSession(alice, bob);
  const inbox = receivingDevice(bob);
  const sender = sendingDevice(bob, new ModelRelay(), () => meetDevice(bob, alice));
  return {
    alice,
    bob,
    inbox,
    sender,
    hear: async (fields, attempt = 1) => inbox.deliver(await delivered(alice, bob, fields, { envelope: { attempt } })),
    async hearTexts(from, to) {
      const envelopes: Uint8Array[] = [];
      for (let seq = from; seq <= to; seq++) {
        envelopes.push(await delivered(alice, bob, { seq, text: { body: `${seq}` } }));
      }
      await inbox.deliver(...envelopes);
    },
    async waiting() {
      const rows = await bob.store.outbox(sender.chat(alice.account.userId).id, 0, 1_000);
      return rows.filter(({ kind }) => kind === 'content').map(({ content }) => Content.decode(content));
    },
    facts: (...types) => bob.published.flat().flatMap(({ fact }) => (types.includes(fact.type) ? [fact] : [])),
  };
}
