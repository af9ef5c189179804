import { ProtoError } from '@sotto/proto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  booleanShape,
  bytesShape,
  integerShape,
  listShape,
  optionalShape,
  recordShape,
  ShapeMismatch,
  textShape,
  uuidShape,
} from './json-shape.ts';

const shape = recordShape<{ readonly id: string; readonly keys: readonly Uint8Array[]; readonly more?: number }>({
  id: uuidShape,
  keys: listShape(bytesShape(1, 4), 2),
  more: optionalShape(integerShape(0, 10)),
});

describe('shapes', () => {
  it('read what has the shape, and pass over what else is there', () => {
    const id = '00000000-0000-4000-8000-000000000000';
    expect(shape({ id, keys: ['AQI'], extra: true })).toEqual({ id, keys: [Uint8Array.of(1, 2)], more: undefined });
  });

  it('never give anything but the shape or their error', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          expect(shape(value).id).toHaveLength(36);
        } catch (error) {
          expect(error instanceof ShapeMismatch || error instanceof ProtoError).toBe(true);
        }
      }),
    );
  });

  it.each([
    ['a text for a number', integerShape(0, 9), '1'],
    ['a fraction', integerShape(0, 9), 1.5],
    ['a number out of range', integerShape(0, 9), 10],
    ['a long text', textShape(3), 'long'],
    ['a number for a flag', booleanShape, 1],
    ['too many', listShape(booleanShape, 1), [true, true]],
    ['too many bytes', bytesShape(0, 1), 'AQI'],
    ['too few bytes', bytesShape(3, 9), 'AQI'],
    ['null for an object', shape, null],
    ['a list for an object', shape, []],
  ] as const)('refuse %s', (_, refusing, value) => {
    expect(() => refusing(value)).toThrow(ShapeMismatch);
  });
});
