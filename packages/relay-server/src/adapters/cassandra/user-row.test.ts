import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { devicesValue, formerValue, nextDevices, userRowOf } from './user-row.ts';

const stays = { registrationId: 7, incarnation: randomUUID(), isIdle: false, isKeyless: true };
const goes = { registrationId: 8, incarnation: randomUUID(), isIdle: false, isKeyless: false };
const changes = { registrationId: 9, incarnation: randomUUID(), isIdle: true, isKeyless: true };
const row = userRowOf({
  id: randomUUID(),
  state: 'live',
  stamp: randomUUID(),
  handover: null,
  devices: devicesValue(
    new Map([
      [2, stays],
      [3, goes],
      [4, changes],
    ]),
  ),
  former: formerValue(new Map([['before', { deviceId: 1, reason: 'revoked' as const }]])),
  key_epoch: 'epoch',
  days_key: 'days',
  lock_salt: null,
  lock_mac: null,
  created_at: null,
});
const listed = [
  { deviceId: 2, registrationId: 7 },
  { deviceId: 4, registrationId: 10 },
];

describe('nextDevices', () => {
  it('gives another incarnation to whoever comes back under another registration, and remembers who is gone', () => {
    const next = nextDevices(row, listed, { isRotated: false, reason: 'revoked' });
    expect(next.devices.get(2)).toEqual(stays);
    const changed = next.devices.get(4);
    expect([changed?.registrationId, changed?.isIdle, changed?.isKeyless]).toEqual([10, false, false]);
    expect(changed?.incarnation === changes.incarnation).toBe(false);
    expect(next.gone.map(({ deviceId }) => deviceId)).toEqual([3, 4]);
    expect([...next.former]).toEqual([
      ['before', { deviceId: 1, reason: 'revoked' }],
      [goes.incarnation, { deviceId: 3, reason: 'revoked' }],
      [changes.incarnation, { deviceId: 4, reason: 'revoked' }],
    ]);
    expect([next.keyEpoch, next.daysKey]).toEqual(['epoch', 'days']);
  });

  it('puts prekeys out of reach under another identity key', () => {
    const next = nextDevices(row, listed, { isRotated: true, reason: 'revoked' });
    expect([...next.devices.values()].map(({ isKeyless }) => isKeyless)).toEqual([true, true]);
    expect(next.devices.get(2)?.incarnation).toBe(stays.incarnation);
    expect(next.keyEpoch === 'epoch').toBe(false);
  });

  it('takes all from every device when the account is taken over, and from one that joins anew', () => {
    const over = nextDevices(row, listed, { isRotated: false, reason: 'replaced' });
    expect(over.gone.length).toBe(3);
    expect([...over.former.values()].map(({ reason }) => reason)).toEqual([
      'revoked',
      'replaced',
      'replaced',
      'replaced',
    ]);
    const joining = nextDevices(row, listed, { isRotated: false, reason: 'revoked', joining: 2 });
    expect(joining.devices.get(2)?.incarnation === stays.incarnation).toBe(false);
  });

  it('the primary is never idle, and the days of a device that is alone are out of reach', () => {
    const next = nextDevices(row, [{ deviceId: 4, registrationId: 9 }], { isRotated: false, reason: 'revoked' });
    expect(next.devices.get(4)).toEqual({ ...changes, isIdle: false });
    expect(next.daysKey === 'days').toBe(false);
  });
});
