import { expect, it } from 'vitest';
import { startSession, testDevice } from '../../test/test-device.ts';
import { recordOf, sessionOf } from './live-session.ts';

it('serialises a session only when its bytes are asked for, and reads back what came from a store', async () => {
  const alice = await testDevice();
  const bob = await testDevice();
  await startSession(alice, bob);
  const stored = await alice.store.get('session', bob.address);
  if (stored === undefined) throw new Error('there is no session');
  const session = sessionOf(stored);
  let serialised = 0;
  const watched = new Proxy(session, {
    get: (target, name) => {
      if (name !== 'serialize') return Reflect.get(target, name);
      serialised++;
      return () => target.serialize();
    },
  });
  const record = recordOf(bob.address, watched, [{ ratchetKey: 'k', highest: 3 }]);
  expect(sessionOf(record)).toBe(watched);
  expect(serialised).toBe(0);
  expect([...record.record]).toEqual([...session.serialize()]);
  expect(record.record).toBe(record.record);
  expect(serialised).toBe(1);
  expect({ ...record }).toEqual({ ...bob.address, record: record.record, chains: [{ ratchetKey: 'k', highest: 3 }] });
});

it('leaves the session as it is when a message is encrypted or does not open', async () => {
  const alice = await testDevice();
  const bob = await testDevice();
  await startSession(alice, bob);
  const before = await alice.store.get('session', bob.address);
  if (before === undefined) throw new Error('there is no session');
  const bytes = [...sessionOf(before).serialize()];
  const { Ratchet } = await import('./ratchet.ts');
  await alice.executor
    .run([], async (overlay) => {
      await new Ratchet(alice.account, overlay, 1).seal(bob.address, new Uint8Array(160));
      throw new Error('given up');
    })
    .catch(() => undefined);
  expect([...sessionOf(before).serialize()]).toEqual(bytes);
});
