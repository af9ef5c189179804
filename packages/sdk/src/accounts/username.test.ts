import { describe, expect, it } from 'vitest';
import { checkUsername } from './username.ts';

describe('checkUsername', () => {
  it.each(['A', 'x'.repeat(50), '👋'.repeat(50), ' Алиса ', 'שלום', '愛麗絲', '👩‍🚀', '❤️', 'نامه‌ای'])(
    'takes "%s"',
    (name) => {
      expect(() => checkUsername(name)).not.toThrow();
    },
  );

  it.each([
    '',
    'x'.repeat(51),
    '👋'.repeat(51),
    'a\u0000b',
    'a\nb',
    'a\u2028b',
    'a\ud800',
    '\udc00a',
    '\u007f',
    '\u200b',
    ' \u00a0',
    'a\u202eb',
  ])('refuses "%s"', (name) => {
    expect(() => checkUsername(name)).toThrow(expect.objectContaining({ code: 'username-invalid' }));
  });
});
