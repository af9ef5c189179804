import { writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeDataFolder } from './data-folder.ts';
import { StoresFolder } from './stores-folder.ts';

describe('the data folder', () => {
  it('is made with those above it, for its owner alone, and taken as it is when it is there', async () => {
    using folder = new StoresFolder();
    const path = join(folder.path, 'one', 'two');
    await makeDataFolder(path);
    await makeDataFolder(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  it.each([['file'], ['file/below']])('is refused in a sentence when it is %s', async (name) => {
    using folder = new StoresFolder();
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    await expect(makeDataFolder(join(folder.path, name))).rejects.toMatchObject({
      code: 'store-unavailable',
      message: `${file} is no folder: name another data folder.`,
    });
  });

  // Node's own recursive mkdir never ends here.
  it.runIf(process.platform === 'linux')('is refused where nothing can be made', async () => {
    await expect(makeDataFolder('/proc/sotto/data')).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringContaining('/proc/sotto can not be made'),
    });
  });
});
