import { expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { cipherBuild } from './cipher-build.ts';

const name = 'better-sqlite3-multiple-ciphers';

it('says how to install the build that encrypts, in the version that fits, when it is missing', async () => {
  const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
  await expect(cipherBuild(() => Promise.reject(missing))).rejects.toMatchObject({
    code: 'store-unavailable',
    retryable: false,
    message: expect.stringContaining(`npm install ${name}@${manifest.peerDependencies[name]}`),
    cause: missing,
  });
});

it('leaves any other failure as it is', async () => {
  const broken = new Error('the native part was built for another version of Node');
  await expect(cipherBuild(() => Promise.reject(broken))).rejects.toBe(broken);
});
