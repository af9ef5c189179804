import { describe, expect, it } from 'vitest';
import { parseRelayAddress } from './relay-address.ts';

describe('parseRelayAddress', () => {
  it('takes https and http, with a port and a path', () => {
    expect(parseRelayAddress('https://relay.example')).toEqual({
      http: 'https://relay.example',
      stream: 'wss://relay.example/v1/stream',
    });
    expect(parseRelayAddress('http://localhost:8080/')).toEqual({
      http: 'http://localhost:8080',
      stream: 'ws://localhost:8080/v1/stream',
    });
    expect(parseRelayAddress('https://example.org/sotto/').http).toBe('https://example.org/sotto');
    expect(parseRelayAddress('http://[::1]:9').stream).toBe('ws://[::1]:9/v1/stream');
  });

  it.each([
    ['', /https:\/\/host/],
    ['relay.example', /https:\/\/host/],
    ['localhost:8080', /begin with https/],
    ['ws://relay.example', /write http:\/\//],
    ['wss://relay.example', /write https:\/\//],
    ['ftp://relay.example', /begin with https/],
    ['https://user:secret@relay.example', /user name/],
    ['https://relay.example/?token=secret', /\?/],
    ['https://relay.example/#x', /#/],
    ['http://', /https:\/\/host/],
  ])('refuses %s and says what to write', (text, advice) => {
    expect(() => parseRelayAddress(text)).toThrow(
      expect.objectContaining({ code: 'relay-url-invalid', message: expect.stringMatching(advice) }),
    );
    expect(() => parseRelayAddress(text)).not.toThrow(/secret/);
  });
});
