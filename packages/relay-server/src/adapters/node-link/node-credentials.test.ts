import { expect, it } from 'vitest';
import { TestAuthority } from '../../../test/certificates.ts';
import { checkCredentials } from './node-credentials.ts';

it('a key of another certificate is called that, not something that can not be read', () => {
  const authority = new TestAuthority();
  const own = authority.issue();
  const other = authority.issue();
  const credentials = { certificate: own.certificate, key: other.key, authority: authority.certificate };
  expect(() => checkCredentials(credentials, 'localhost')).toThrow('the key is not that of the certificate');
});
