import { describe, expect, it } from 'vitest';
import { isNetwork, networkOf } from './network.ts';

describe('networkOf', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:0207', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', 'unknown'],
    ['127.1', 'unknown'],
    ['0x7f000001', 'unknown'],
    ['a name', 'unknown'],
  ])('%j counts as %j', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('isNetwork', () => {
  it.each(['10.0.0.0/8', '192.0.2.1', 'fd00::/8', '::1'])('%s is one', (text) => {
    expect(isNetwork(text)).toBe(true);
  });

  it.each(['10.0.0.0/33', '10.0.0', '', 'fd00::/129', '10.0.0.0/8/8', ':::'])('%j is none', (text) => {
    expect(isNetwork(text)).toBe(false);
  });
});
