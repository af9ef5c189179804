import { describe, expect, it } from 'vitest';
import { nodeNameOf, parseNodeName } from './node-name.ts';

describe('the name of a node', () => {
  it.each([
    ['relay-1.example.org:7700/0123abc', { host: 'relay-1.example.org', port: 7700, start: '0123abc' }],
    ['10.0.0.1:1/a_B-9', { host: '10.0.0.1', port: 1, start: 'a_B-9' }],
    ['[fd00::1]:65535/x', { host: 'fd00::1', port: 65_535, start: 'x' }],
  ])('%s is read and written', (name, parts) => {
    expect(parseNodeName(name)).toEqual(parts);
    expect(nodeNameOf(parts)).toBe(name);
  });

  it.each([
    '',
    'host:1',
    'host/a',
    'host:0/a',
    'host:65536/a',
    'host:1/',
    `host:1/${'a'.repeat(65)}`,
    'ho st:1/a',
    'user@host:1/a',
    'host:1/a/b',
    'host:1/a\r\nx: y',
    'fd00::1:1/a',
    '[host]:1/a',
  ])('%j is none', (name) => expect(parseNodeName(name)).toBe(undefined));
});
