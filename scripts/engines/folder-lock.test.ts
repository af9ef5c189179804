import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withLock } from './folder-lock.ts';

it('lets one in after the other, and does not wait for ever', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'folder-lock-'));
  const file = join(folder, 'lock');
  const order: string[] = [];
  const silent = () => undefined;
  try {
    let leave: () => void = silent;
    const inside = withLock(file, 0, silent, async () => {
      order.push('first in');
      await new Promise<void>((resolve) => {
        leave = () => resolve(undefined);
      });
      order.push('first out');
    });
    await expect(withLock(file, 0, silent, async () => 'in')).rejects.toThrow('another run');
    const second = withLock(
      file,
      60_000,
      () => leave(),
      async () => order.push('second in'),
    );
    await Promise.all([inside, second]);
    expect(order).toEqual(['first in', 'first out', 'second in']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('lets the next one in when the work failed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'folder-lock-'));
  const file = join(folder, 'lock');
  const failing = withLock(
    file,
    0,
    () => undefined,
    async () => Promise.reject(new Error('no')),
  );
  await expect(failing).rejects.toThrow('no');
  expect(
    await withLock(
      file,
      0,
      () => undefined,
      async () => 'in',
    ),
  ).toBe('in');
  rmSync(folder, { recursive: true });
});
