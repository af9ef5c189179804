import { describe, expect, it } from 'vitest';
import { someUser } from '../conformance/samples.ts';
import type { UserId } from '../ports/ids.ts';
import type { ListedUser } from '../ports/listed-devices.ts';
import { SharedReads } from './shared-reads.ts';

const none: ListedUser = { status: 'unknown' };
const turns = async () => {
  for (let at = 0; at < 20; at++) await Promise.resolve();
};

/** Who is listed, as slowly as a test wants. */
function slowListed() {
  const readings: { readonly userId: UserId; readonly end: (user: ListedUser | Error) => void }[] = [];
  const of = (userId: UserId) =>
    new Promise<ListedUser>((resolve, reject) => {
      readings.push({ userId, end: (user) => (user instanceof Error ? reject(user) : resolve(user)) });
    });
  return { of, readings, listed: new SharedReads(of) };
}

describe('SharedReads', () => {
  it('gives who asks during a reading the next one, which all of them share', async () => {
    const { listed, readings } = slowListed();
    const user = someUser();
    const first = listed.read(user);
    await turns();
    const later = [listed.read(user), listed.read(user)];
    await turns();
    expect(readings).toHaveLength(1);
    readings[0]?.end(none);
    expect(await first).toBe(none);
    await turns();
    expect(readings).toHaveLength(2);
    const ended: ListedUser = { status: 'ended' };
    readings[1]?.end(ended);
    expect(await Promise.all(later)).toEqual([ended, ended]);
    const again = listed.read(user);
    await turns();
    expect(readings).toHaveLength(3);
    readings[2]?.end(none);
    expect(await again).toBe(none);
  });

  it('fails whom a reading was for, and nobody after', async () => {
    const { listed, readings } = slowListed();
    const user = someUser();
    const first = listed.read(user).catch((error: Error) => error.message);
    await turns();
    const second = listed.read(user);
    readings[0]?.end(new Error('planted'));
    expect(await first).toBe('planted');
    await turns();
    readings[1]?.end(none);
    expect(await second).toBe(none);
  });

  it('reads of 256 users at once at most', async () => {
    const { listed, readings } = slowListed();
    const asked = Array.from({ length: 400 }, () => listed.read(someUser()));
    await turns();
    expect(readings).toHaveLength(256);
    for (let at = 0; at < 400; at++) {
      readings[at]?.end(none);
      await turns();
    }
    expect(await Promise.all(asked)).toHaveLength(400);
  });
});
