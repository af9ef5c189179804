import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { accessKeyOf } from './access-key.ts';

it('an access key is HKDF-SHA256 of the profile key: RFC 5869, one block', () => {
  const profileKey = new Uint8Array(32).map((_, at) => at * 7);
  const extracted = createHmac('sha256', new Uint8Array(32)).update(profileKey).digest();
  const expanded = createHmac('sha256', extracted)
    .update('sotto access key v1')
    .update(new Uint8Array([1]))
    .digest();
  expect(Buffer.from(accessKeyOf(profileKey)).equals(expanded.subarray(0, 16))).toBe(true);
  expect(accessKeyOf(profileKey)).toBe(accessKeyOf(profileKey));
});
