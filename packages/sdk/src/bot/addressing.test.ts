import { describe, expect, it } from 'vitest';
import { hearFor } from './addressing.ts';

describe('a bot named Echo Bot', () => {
  it.each([
    ['@Echo Bot hello', 'hello'],
    ['@echo bot, hello', 'hello'],
    ['  @ECHO BOT:\nhello', 'hello'],
    ['@Echo Bot', ''],
    ['/time', '/time'],
    ['/add 1 2', '/add 1 2'],
    ['/time@EchoBot', '/time'],
    ['/add@echobot 1 2', '/add 1 2'],
    ['@Echo Bot /add 1 2', '/add 1 2'],
    ['@Echo Bot /add@EchoBot 1', '/add 1'],
  ])('hears %j as %j, said to it', (said, text) => {
    expect(hearFor('Echo Bot', said)).toEqual({ text, isAddressed: true });
  });

  it.each([
    'hello',
    'ask @Echo Bot',
    '@Echo Botany hello',
    '@Echo hello',
    '/time@OtherBot',
    '/time@',
    '/größe',
    'say /time',
    '@',
    '',
  ])('hears %j as it is, said to nobody', (said) => {
    expect(hearFor('Echo Bot', said)).toEqual({ text: said, isAddressed: false });
  });

  it('without a name hears commands alone', () => {
    expect(hearFor('', '@ hello')).toEqual({ text: '@ hello', isAddressed: false });
    expect(hearFor('', '/time')).toEqual({ text: '/time', isAddressed: true });
  });
});
