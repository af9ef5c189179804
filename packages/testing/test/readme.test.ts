import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const folder = new URL('..', import.meta.url);

it('the example of README.md runs as it stands', async () => {
  const page = readFileSync(new URL('README.md', folder), 'utf8');
  const [, example] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
  expect(example).toContain('testWorld');
  const said = await promisify(execFile)(
    process.execPath,
    ['--conditions=sotto-source', '--input-type=module-typescript', '--eval', example ?? ''],
    { cwd: folder },
  );
  expect(said.stderr).toBe('');
});
