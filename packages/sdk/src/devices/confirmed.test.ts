import { expect, it } from 'vitest';
import { isConfirmed } from './confirmed.ts';

it.each([
  [true, true],
  [false, false],
  [undefined, false],
])('an answer %j is %j', (answer, confirmed) => {
  expect(isConfirmed('devices.link', answer)).toBe(confirmed);
});

it.each([['yes'], ['no'], [''], [1], [null], [{}]])(
  'an answer %j is none, and whoever wrote the program is told  [security: linking-phishing]',
  (answer) => {
    expect(() => isConfirmed('linkDevice', answer)).toThrow(
      expect.objectContaining({
        code: 'argument-invalid',
        message: expect.stringContaining('confirm of linkDevice has to give true or false'),
      }),
    );
  },
);
