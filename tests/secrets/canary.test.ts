import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { findCanaries, formsOf, textCanary } from './canary.ts';

const canary = textCanary('a text', `grüße ${randomUUID()}`);

describe('the search for canaries', () => {
  it.each(formsOf(canary))('finds one that is planted as $form', ({ form, bytes }) => {
    const file = Buffer.concat([randomBytes(1_000), bytes, randomBytes(1_000)]);
    expect(findCanaries([{ name: 'a file', bytes: file }], [canary])).toContain(`a text in a file, ${form}`);
  });

  it.each([0, 1, 2, 3, 4, 5])('finds one in base64 with %i bytes before it', (before) => {
    const all = Buffer.concat([randomBytes(before), canary.bytes, randomBytes(7)]);
    for (const encoding of ['base64', 'base64url'] as const) {
      const file = Buffer.from(all.toString(encoding));
      expect(findCanaries([{ name: 'a file', bytes: file }], [canary]).length).toBeGreaterThan(0);
    }
  });

  it('finds nothing in what has none', () => {
    expect(findCanaries([{ name: 'noise', bytes: randomBytes(1_000_000) }], [canary])).toEqual([]);
  });
});
