import { describe, expect, it } from 'vitest';
import { defaultPlatform } from './platform.browser.ts';
import { defaultPlatform as platformOfNode } from './platform.node.ts';

const platform = defaultPlatform();

describe('defaultPlatform of browsers', () => {
  it('hashes as that of Node does, in one part or several', () => {
    const { sha256 } = platformOfNode();
    for (const parts of [[], ['abc'], ['a', 'bc'], ['', 'x'.repeat(1_000), 'y']]) {
      const bytes = parts.map((part) => new TextEncoder().encode(part));
      expect(platform.sha256(...bytes)).toEqual(sha256(...bytes));
    }
    expect(platform.sha256().constructor).toBe(Uint8Array);
  });

  it('draws fresh bytes, also more than one call gives, and fractions', () => {
    const { randomness } = platform;
    const many = randomness.bytes(150_000);
    expect(many).toHaveLength(150_000);
    for (const from of [0, 65_536, 131_072, 149_900])
      expect(many.subarray(from, from + 100).some((byte) => byte > 0)).toBe(true);
    expect(randomness.bytes(16)).not.toEqual(randomness.bytes(16));
    expect(randomness.bytes(0)).toHaveLength(0);
    const drawn = Array.from({ length: 1_000 }, () => randomness.fraction());
    expect(drawn.every((fraction) => fraction >= 0 && fraction < 1)).toBe(true);
    expect(Math.max(...drawn)).toBeGreaterThan(0.9);
    expect(Math.min(...drawn)).toBeLessThan(0.1);
  });

  it('runs timers once, unless they are ended, and takes delays that a browser can not', async () => {
    const ran: string[] = [];
    const cancelFar = platform.timers.after(Number.MAX_SAFE_INTEGER, () => ran.push('far'));
    const cancelNear = platform.timers.after(0, () => ran.push('ended'));
    cancelNear();
    await new Promise<void>((resolve) => platform.timers.after(1, resolve));
    cancelFar();
    cancelFar();
    expect(ran).toEqual([]);
  });
});
