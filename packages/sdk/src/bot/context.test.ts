import { describe, expect, it } from 'vitest';
import { readCommand } from './context.ts';

describe('readCommand', () => {
  it.each([
    ['/start', { command: 'start', args: [] }],
    ['  /Add 1  2\n3 ', { command: 'add', args: ['1', '2', '3'] }],
    ['/a_1', { command: 'a_1', args: [] }],
  ])('reads %j', (text, command) => expect(readCommand(text)).toEqual(command));

  it.each(['start', '/', '/ start', '//start', '/start!', 'say /start', `/${'x'.repeat(33)}`, '/größe'])(
    'takes %j for a text',
    (text) => expect(readCommand(text)).toBeUndefined(),
  );
});
