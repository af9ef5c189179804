import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import cassandra from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import { TestAuthority } from '../../../test/certificates.ts';
import { connectFailure } from './connect-failure.ts';
import { openMigrated } from './open-migrated.ts';

const { errors, types } = cassandra;
const codeOf = (error: unknown) => connectFailure(error, 'here').code;

describe('connectFailure', () => {
  it('is a matter of the settings when Cassandra refuses', () => {
    expect(codeOf(new errors.AuthenticationError('no'))).toBe('config-invalid');
    const refused = new errors.ResponseError(types.responseErrorCodes.badCredentials, 'no');
    expect(codeOf(new errors.NoHostAvailableError({ one: new Error('away'), other: refused }))).toBe('config-invalid');
    const elsewhere = new errors.ArgumentError(
      "localDataCenter was configured as 'here', but only found hosts in data centers: [a, b]",
    );
    expect(connectFailure(new errors.NoHostAvailableError({ one: elsewhere }), 'here').message).toBe(
      'Cassandra has no data centre `here`: it has a, b. Name one of them.',
    );
  });

  it('passes when nobody answers', () => {
    expect(codeOf(new errors.NoHostAvailableError({ one: new Error('away') }))).toBe('store-unavailable');
    expect(codeOf(new errors.OperationTimedOutError('late'))).toBe('store-unavailable');
  });
});

describe('TLS to Cassandra', () => {
  it('is not spoken with a node whose certificate is of another authority, or of another address', async () => {
    const [ours, theirs] = [new TestAuthority(), new TestAuthority('Another authority')];
    let heard = 0;
    const { certificate: cert, key } = ours.issue({ hosts: ['127.0.0.1'] });
    const named = ours.issue({ hosts: ['cassandra.example'] });
    for (const [served, authority, code, isHeard] of [
      [{ cert, key }, ours, 'store-unavailable', true],
      [{ cert, key }, theirs, 'config-invalid', false],
      [{ cert: named.certificate, key: named.key }, ours, 'config-invalid', false],
    ] as const) {
      heard = 0;
      const server = createServer(served, (socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => {
          heard++;
          socket.destroy();
        });
      });
      server.on('tlsClientError', () => undefined);
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      const opening = openMigrated({
        contactPoints: ['127.0.0.1'],
        port,
        localDataCenter: 'here',
        keyspace: 'sotto',
        tls: { ca: authority.certificate },
        requestTimeoutMs: 1_000,
      });
      await expect(opening).rejects.toMatchObject({ code });
      expect(heard > 0).toBe(isHeard);
      server.close();
      await once(server, 'close');
    }
  });
});
