import { describe, expect, it } from 'vitest';
import type { PrekeyKind, PrekeyRecord } from '../ports/key-records.ts';
import { planPrekeys } from './prekey-plan.ts';

const day = 86_400_000;
const now = 1_900_000_000_000;
const plenty = { ec: 100, kyber: 100 };
let ids = 0;

function prekey(kind: PrekeyKind, ageInDays: number, more: Partial<PrekeyRecord> = {}): PrekeyRecord {
  return {
    kind,
    id: ++ids,
    record: new Uint8Array(),
    createdAt: now - ageInDays * day,
    replacedAt: undefined,
    uploaded: true,
    ...more,
  };
}

const standing = () => [prekey('signed', 1), prekey('last-resort', 1)];

describe('planPrekeys', () => {
  it('leaves a good set alone', () => {
    const plan = planPrekeys([...standing(), prekey('ec', 99)], { ec: 20, kyber: 20 }, now);
    expect(plan).toEqual({ make: { signed: 0, 'last-resort': 0, ec: 0, kyber: 0 }, replace: [], remove: [] });
  });

  it('fills up at low water, and counts what is on its way', () => {
    const own = [...standing(), prekey('ec', 0, { uploaded: false }), prekey('ec', 0, { uploaded: false })];
    expect(planPrekeys(own, { ec: 19, kyber: 0 }, now).make).toEqual({
      signed: 0,
      'last-resort': 0,
      ec: 79,
      kyber: 100,
    });
  });

  it('takes one-time keys of a former identity key neither for such as are on their way nor for such as the relay has', () => {
    const replaced = (uploaded: boolean) => prekey('ec', 101, { replacedAt: now - 69 * day, uploaded });
    const own = [...standing(), prekey('ec', 101), replaced(false), replaced(true)];
    const { make, remove } = planPrekeys(own, { ec: 1, kyber: 100 }, now);
    expect([make.ec, remove]).toEqual([99, []]);
  });

  it('makes other signed and last-resort keys after a week, and those that are missing', () => {
    const [signed, lastResort] = [prekey('signed', 7), prekey('last-resort', 6.9)];
    const plan = planPrekeys([signed, lastResort], plenty, now);
    expect(plan.make).toMatchObject({ signed: 1, 'last-resort': 0 });
    expect(plan.replace).toEqual([]);
    expect(planPrekeys([], plenty, now).make).toMatchObject({ signed: 1, 'last-resort': 1 });
    const fromTheFuture = planPrekeys([prekey('signed', -1), prekey('last-resort', -1)], plenty, now);
    expect(fromTheFuture.make).toMatchObject({ signed: 0, 'last-resort': 0 });
  });

  it('takes signed and last-resort keys for replaced once the relay has newer ones, not before', () => {
    const [first, lost, third] = [
      prekey('signed', 200),
      prekey('signed', 100, { uploaded: false }),
      prekey('signed', 1),
    ];
    const lastResort = prekey('last-resort', 1);
    const replaced = (...own: readonly PrekeyRecord[]) => planPrekeys([...own, lastResort], plenty, now).replace;
    expect(replaced(first, lost)).toEqual([]);
    expect(replaced(first, lost, { ...third, uploaded: false })).toEqual([]);
    expect(replaced(first, lost, third)).toEqual([first, lost]);
    expect(replaced(lost)).toEqual([]);
  });

  it('removes replaced keys after 70 days', () => {
    const kept = prekey('signed', 80, { replacedAt: now - 69 * day });
    const gone = prekey('last-resort', 80, { replacedAt: now - 70 * day });
    expect(planPrekeys([kept, gone, ...standing()], plenty, now).remove).toEqual([gone]);
  });

  it('keeps one-time keys for 70 days from when the relay was seen to have given them away, however old they are', () => {
    const old = [prekey('ec', 500), prekey('ec', 500), prekey('ec', 500)];
    const own = [...old, prekey('ec', 1), ...standing()];
    const given = planPrekeys(own, { ec: 2, kyber: 100 }, now);
    expect([given.replace, given.remove]).toEqual([old.slice(0, 2), []]);
    expect(planPrekeys(own, plenty, now)).toMatchObject({ replace: [], remove: [] });
    const [gone, kept] = [70, 69].map((days) => prekey('ec', 500, { replacedAt: now - days * day }));
    expect(planPrekeys([gone, kept, ...own] as PrekeyRecord[], { ec: 4, kyber: 100 }, now)).toMatchObject({
      replace: [],
      remove: [gone],
    });
  });

  it('makes no more when a relay says again and again that none are left', () => {
    const own = [...standing(), ...Array.from({ length: 4_000 }, () => prekey('ec', 0))];
    expect(planPrekeys(own, { ec: 0, kyber: 0 }, now).make).toMatchObject({ ec: 0, kyber: 100 });
  });
});
