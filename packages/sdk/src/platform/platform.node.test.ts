import { describe, expect, it } from 'vitest';
import { defaultPlatform } from './platform.node.ts';

const platform = defaultPlatform();
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('defaultPlatform', () => {
  it('hashes as FIPS 180-4 says, in one part or several', () => {
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(hex(platform.sha256(Buffer.from('abc')))).toBe(abc);
    expect(hex(platform.sha256(Buffer.from('a'), Buffer.from('bc')))).toBe(abc);
    expect(platform.sha256().constructor).toBe(Uint8Array);
  });

  it('draws fresh bytes and fractions', () => {
    const { randomness } = platform;
    expect(randomness.bytes(16)).toHaveLength(16);
    expect(hex(randomness.bytes(16))).not.toBe(hex(randomness.bytes(16)));
    for (let drawn = 0; drawn < 100; drawn++) {
      const fraction = randomness.fraction();
      expect(fraction >= 0 && fraction < 1).toBe(true);
    }
  });

  it('runs timers once, unless they are ended, and takes delays that Node can not', async () => {
    const ran: string[] = [];
    const cancelFar = platform.timers.after(Number.MAX_SAFE_INTEGER, () => ran.push('far'));
    const cancelNear = platform.timers.after(0, () => ran.push('ended'));
    cancelNear();
    await new Promise<void>((resolve) => platform.timers.after(1, resolve));
    cancelFar();
    cancelFar();
    expect(ran).toEqual([]);
  });

  it('gives each caller parts of its own', () => {
    expect(defaultPlatform().sockets).not.toBe(platform.sockets);
  });
});
