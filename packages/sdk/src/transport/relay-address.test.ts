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
    'http://localhost:1',
    'http://relay.localhost',
    'http://127.0.0.1:8080',
    'http://127.13.57.91',
    'http://2130706433',
    'http://[::1]/sotto',
    'https://relay.example',
  ])('takes %s', (text) => {
    expect(parseRelayAddress(text).http).not.toBe('');
  });

  it.each([
    'http://relay.example',
    'http://192.168.0.7:8080',
    'http://127.0.0.1.example',
    'http://localhost.example',
    'http://notlocalhost',
    'http://128.0.0.1',
    'http://[::2]',
    'http://0.0.0.0',
  ])('refuses %s, which anybody on the way reads, unless it is allowed', (text) => {
    expect(() => parseRelayAddress(text)).toThrow(expect.objectContaining({ code: 'relay-insecure' }));
    expect(parseRelayAddress(text, { allowInsecure: true }).stream).toMatch(/^ws:/);
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
