import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { someIncarnation } from '../conformance/incarnation-samples.ts';
import { DeliveryIds } from './delivery-id.ts';
import { laneIdOf } from './delivery-lane.ts';
import { deviceKeyOf, deviceOfKey } from './device-key.ts';

const secret = randomBytes(32);
const ids = new DeliveryIds(secret, 'here');
const device = deviceKeyOf(someIncarnation());
const topicId = randomUUID();
const entryId = new Uint8Array(randomBytes(8));
const make = (ko = 1_000_000_007) => ids.make(device, topicId, 513, ko, 20_700, entryId);

describe('delivery ids', () => {
  it('say where a delivery stands, to any node that has the key', () => {
    const other = new DeliveryIds(secret, 'here');
    expect(other.read(device, make(), [randomUUID(), topicId])).toEqual({
      lane: laneIdOf('here', topicId, 513),
      ko: 1_000_000_007,
      day: 20_700,
      entryId,
    });
    expect(make()).toEqual(make());
    expect(make().length).toBe(32);
    for (const ko of [0, 2 ** 48 - 1]) expect(ids.read(device, make(ko), [topicId])?.ko).toBe(ko);
  });

  it('are refused with any flipped bit, cut or longer', () => {
    const id = make();
    for (const at of id.keys()) {
      for (let bit = 1; bit < 256; bit *= 2) {
        const flipped = id.map((byte, index) => (index === at ? byte ^ bit : byte));
        expect(ids.read(device, flipped, [topicId])).toBe(undefined);
      }
    }
    for (const length of [0, 1, 16, 31]) expect(ids.read(device, id.slice(0, length), [topicId])).toBe(undefined);
    expect(ids.read(device, Buffer.concat([id, Buffer.alloc(1)]), [topicId])).toBe(undefined);
  });

  it('mean nothing to another device, listing, topic, cluster or key', () => {
    const address = deviceOfKey(device);
    const others = [
      someIncarnation(),
      { ...address, incarnation: randomUUID() },
      { ...address, incarnation: '' },
      someIncarnation({ ...address, userId: someIncarnation().userId }),
    ];
    for (const other of others) expect(ids.read(deviceKeyOf(other), make(), [topicId])).toBe(undefined);
    for (let topic = 0; topic < 600; topic++) expect(ids.read(device, make(), [randomUUID()])).toBe(undefined);
    expect(new DeliveryIds(secret, 'there').read(device, make(), [topicId])).toBe(undefined);
    expect(new DeliveryIds(randomBytes(32), 'here').read(device, make(), [topicId])).toBe(undefined);
  });

  it('are not made for what they can not hold', () => {
    expect(() => make(2 ** 48)).toThrow(RangeError);
    expect(() => ids.make(device, topicId, 65_536, 1, 1, entryId)).toThrow(RangeError);
    expect(() => ids.make(device, topicId, 1, 1, 1, entryId.slice(1))).toThrow(RangeError);
  });
});
