import { SottoError } from '@sotto/sdk';
import { expect, it } from 'vitest';
import { errorText } from './error-text.ts';

it('says when to try again, in seconds', () => {
  const limited = new SottoError('rate-limited', 'wait', { retryable: true, retryAfterMs: 5_001 });
  expect(errorText(limited)).toBe('rate-limited: asked too often (try again in 6 s)');
  expect(errorText(new SottoError('number-unknown', 'invite them'))).toBe('number-unknown: invite them');
  expect(errorText(new Error('something else'))).toBe('something else');
});
