import { RecipientStatus, uuidToText } from '@sotto/proto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { meetDevice } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';

type Step =
  | { readonly type: 'send'; readonly who: number; readonly count: number }
  | { readonly type: 'turns'; readonly count: number }
  | { readonly type: 'results' | 'disconnect' | 'connect' | 'crash' | 'timers'; readonly who: number }
  | { readonly type: 'hand-over' | 'disk-full' | 'disk-well' };

const who = fc.integer({ min: 0, max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('send' as const), who, count: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom(
        'results' as const,
        'disconnect' as const,
        'connect' as const,
        'crash' as const,
        'timers' as const,
      ),
      who,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constantFrom('hand-over' as const, 'disk-full' as const, 'disk-well' as const) }),
  },
);

/** What becomes of each recipient of a Send, again and again. */
const fates = fc.array(
  fc.constantFrom(
    RecipientStatus.RECIPIENT_STATUS_ACCEPTED,
    RecipientStatus.RECIPIENT_STATUS_ACCEPTED,
    RecipientStatus.RECIPIENT_STATUS_ACCEPTED,
    RecipientStatus.RECIPIENT_STATUS_MAILBOX_FULL,
    RecipientStatus.RECIPIENT_STATUS_NOT_MEMBER,
    RecipientStatus.RECIPIENT_STATUS_SEALED_REFUSED,
  ),
  { minLength: 1, maxLength: 12 },
);

it.each(['named', 'sealed'] as const)(
  'P1 P2 P7: each message of a group, its sender %s, comes to each member once, whatever results, connections, disks and processes do',
  async (senders) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fates, async (steps, script) => {
        const world = await GroupWorld.of(3, senders);
        const [alice, bob] = world.people as [GroupPerson, GroupPerson];
        // Of some the devices are known, of others not yet.
        await meetDevice(alice.device, bob.device);
        let asked = 0;
        let calm = false;
        const equip = (person: GroupPerson) => {
          person.relay.verdict = (send) => {
            if (calm || send.sharedCiphertext.length === 0) return { type: 'accepted' };
            const missed = send.recipients.flatMap(({ userId }): [string, RecipientStatus][] => {
              const status = script[asked++ % script.length] ?? RecipientStatus.RECIPIENT_STATUS_ACCEPTED;
              const isGiven = status === RecipientStatus.RECIPIENT_STATUS_ACCEPTED;
              return isGiven ? [] : [[uuidToText(userId ?? new Uint8Array()), status]];
            });
            return { type: 'shared', missed: new Map(missed) };
          };
        };
        for (const person of world.people) equip(person);
        const sent = new Map<GroupPerson, string[]>(world.people.map((person) => [person, []]));
        const person = (index: number) => world.people[index] ?? alice;
        for (const next of steps) {
          switch (next.type) {
            case 'send': {
              const author = person(next.who);
              const writing = Array.from({ length: next.count }, () => world.write(author, 'hello'));
              for (const result of await Promise.allSettled(writing)) {
                if (result.status === 'fulfilled') sent.get(author)?.push(result.value.id);
              }
              break;
            }
            case 'turns':
              await settled(next.count);
              break;
            case 'results':
              await person(next.who)
                .out.deliverResults()
                .catch((error: unknown) => person(next.who).out.failures.push(error));
              break;
            case 'timers':
              person(next.who).out.timers.runAll();
              break;
            case 'connect':
              await person(next.who).out.connect();
              break;
            case 'disconnect':
              person(next.who).out.disconnect();
              break;
            case 'crash':
              await world.restart(person(next.who));
              break;
            case 'hand-over':
              if (!alice.device.disk.full) await world.handOver();
              break;
            case 'disk-full':
              alice.device.disk.full = true;
              break;
            case 'disk-well':
              alice.device.disk.full = false;
          }
        }
        calm = true;
        alice.device.disk.full = false;
        await settled(20);
        for (const each of world.people) {
          each.out.disconnect();
          await each.out.connect();
        }
        await world.run();
        for (const reader of world.people) {
          const messages = await world.messages(reader);
          expect(await reader.in.heldReasons()).toEqual([]);
          expect(await reader.device.store.outboxChats()).toEqual([]);
          for (const [author, ids] of sent) {
            const theirs = messages.filter(({ senderId }) => senderId === author.device.account.userId);
            // What `send` has promised, once, in its order.
            expect(theirs.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
            expect(new Set(theirs.map(({ id }) => id)).size).toBe(theirs.length);
            expect(theirs.map(({ seq }) => seq)).toEqual(theirs.map((_, index) => index + 1));
          }
        }
        // P6: all have said that they have it.
        for (const author of world.people) {
          const own = (await world.messages(author)).filter(
            ({ senderId }) => senderId === author.device.account.userId,
          );
          expect(own.filter(({ state }) => state !== 'delivered')).toEqual([]);
        }
      }),
      { numRuns: 20 },
    );
  },
  60_000,
);
