import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ModelRelay, type Verdict } from '../../test/model-relay.ts';
import { sendingDevice } from '../../test/sending-device.ts';
import { reopened, startSession, testDevice } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';

type Step =
  | { readonly type: 'send'; readonly count: number }
  | { readonly type: 'results'; readonly count: number }
  | { readonly type: 'turns'; readonly count: number }
  | { readonly type: 'connect' | 'disconnect' | 'timers' | 'crash' | 'new-device' | 'disk-full' | 'disk-well' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('send' as const), count: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('results' as const), count: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('connect' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom('disconnect', 'timers', 'crash', 'new-device', 'disk-full', 'disk-well'),
    }),
  },
);

/** What the relay says of sends in turn, one after the other, again and again. */
const verdicts = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.constant<Verdict>({ type: 'accepted' }) },
    { weight: 1, arbitrary: fc.constant<Verdict>({ type: 'mailbox-full' }) },
    { weight: 1, arbitrary: fc.constant<Verdict>({ type: 'garbage' }) },
    { weight: 1, arbitrary: fc.constant<Verdict>({ type: 'refused', code: 'busy', retryable: true, retryAfterMs: 5 }) },
  ),
  { minLength: 1, maxLength: 20 },
);

it('gets every message to the relay once and in order, whatever results, connections, devices, disks and processes do', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), verdicts, async (steps, script) => {
      const relay = new ModelRelay();
      let device = await testDevice();
      let bob = await testDevice();
      const open = () => sendingDevice(device, relay, () => startSession(device, bob));
      let alice = open();
      let asked = 0;
      let calm = false;
      relay.verdict = (send) => {
        if (send.recipients[0]?.devices?.[0]?.registrationId !== bob.account.registrationId) {
          return { type: 'devices-changed', deviceList: bob.account.deviceList };
        }
        return calm ? { type: 'accepted' } : (script[asked++ % script.length] ?? { type: 'accepted' });
      };
      const sent: string[] = [];
      for (const next of steps) {
        switch (next.type) {
          case 'send': {
            const chat = alice.chat(bob.account.userId);
            const sending = Array.from({ length: next.count }, () => chat.send('hello'));
            for (const result of await Promise.allSettled(sending)) {
              if (result.status === 'fulfilled') sent.push(result.value.id);
            }
            break;
          }
          case 'results':
            await alice.deliverResults(next.count).catch((error: unknown) => alice.failures.push(error));
            break;
          case 'turns':
            await settled(next.count);
            break;
          case 'connect':
            await alice.connect();
            break;
          case 'disconnect':
            alice.disconnect();
            break;
          case 'timers':
            alice.timers.runAll();
            break;
          case 'crash':
            relay.disconnect();
            device = await reopened(device);
            alice = open();
            break;
          case 'new-device':
            bob = await testDevice({ previous: bob.account, sameIdentity: true });
            break;
          case 'disk-full':
            device.disk.full = true;
            break;
          case 'disk-well':
            device.disk.full = false;
        }
      }
      calm = true;
      device.disk.full = false;
      await settled(20);
      alice.disconnect();
      await alice.connect();
      await alice.run();
      expect(relay.stored.map(({ messageId }) => messageId)).toEqual(sent);
      const states = await Promise.all(sent.map((id) => device.store.get('message', { id: id as never })));
      expect(states.every((message) => message?.state === 'sent')).toBe(true);
      expect(states.map((message) => message?.seq)).toEqual(sent.map((_, at) => at + 1));
      expect(await device.store.outboxChats()).toEqual([]);
    }),
    { numRuns: 300 },
  );
}, 60_000);
