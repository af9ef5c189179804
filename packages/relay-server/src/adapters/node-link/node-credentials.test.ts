import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { TestAuthority, type TestCertificateOptions } from '../../../test/certificates.ts';
import { ManualTime } from '../../../test/manual-time.ts';
import { RelayError } from '../../relay-error.ts';
import { silentLogger } from '../memory/silent-logger.ts';
import { checkCredentials, type NodeCredentials } from './node-credentials.ts';
import { TlsNodeLink } from './tls-node-link.ts';

const authority = new TestAuthority();
const day = 86_400_000;
const now = Date.UTC(2026, 5, 1);
const times = (from: number, to: number) => ({ notBefore: new Date(now + from), notAfter: new Date(now + to) });

function credentials(options: TestCertificateOptions = {}, by = authority): NodeCredentials {
  return { ...by.issue(options), authority: authority.certificate };
}

function refusal(given: NodeCredentials, host = 'localhost', at = now): string {
  try {
    checkCredentials(given, host, at);
    return 'taken';
  } catch (error) {
    if (error instanceof RelayError && error.code === 'config-invalid') return error.message;
    throw error;
  }
}

describe('what a node is to show to others', () => {
  it('is taken when they will take it', () => {
    expect(refusal(credentials())).toBe('taken');
    expect(refusal(credentials({ hosts: ['127.0.0.1'], usages: ['serverAuth', 'clientAuth'] }), '127.0.0.1')).toBe(
      'taken',
    );
  });

  it.each<[string, NodeCredentials, string]>([
    ['the key of another certificate', { ...credentials(), key: credentials().key }, 'the key is not that of the cert'],
    ['another authority', credentials({}, new TestAuthority('Another')), 'no authority in `cluster.authorityFile` has'],
    // The authority was made once on each machine.
    ['another authority of the same name', credentials({}, new TestAuthority()), 'no authority in `cluster.authori'],
    ['an end that is over', credentials(times(-2 * day, -1)), 'ended at 2026-05-31T23:59:59.000Z: have another one'],
    ['a beginning that is to come', credentials(times(1_000, day)), 'is not good before 2026-06-01T00:00:01.000Z: set'],
    [
      'another host',
      credentials({ hosts: ['other.example'] }),
      'for `cluster.host` (localhost), in its subjectAltName',
    ],
    ['use for servers alone', credentials({ usages: ['serverAuth'] }), 'may not be used as clientAuth'],
    ['use for clients alone', credentials({ usages: ['clientAuth'] }), 'may not be used as serverAuth'],
    ['no certificate', { ...credentials(), certificate: 'nonsense' }, '`cluster.certificateFile` is no PEM that can'],
    ['no key', { ...credentials(), key: 'nonsense' }, '`cluster.certificateKeyFile` is no PEM that can be read'],
    ['no authority', { ...credentials(), authority: '' }, '`cluster.authorityFile` is no PEM that can be read'],
  ])('is refused with %s', (_, given, part) => {
    const message = refusal(given);
    expect(message).toContain("The link between nodes can't begin: ");
    expect(message).toContain(part);
    expect(message).not.toContain('PRIVATE');
  });

  it('is looked at by the clock that is given', () => {
    const given = credentials(times(0, day));
    const at = (time: number) => refusal(given, 'localhost', time);
    expect([at(now), at(now + day)]).toEqual(['taken', 'taken']);
    expect(at(now - 1)).toContain('is not good before');
    expect(at(now + day + 1)).toContain('ended at');
  });

  it('keeps a link from being opened, before anybody could connect', async () => {
    const time = new ManualTime();
    const open = (given: NodeCredentials) =>
      TlsNodeLink.open({
        listen: { host: '127.0.0.1', port: 0 },
        advertise: { host: 'localhost' },
        credentials: given,
        clock: time,
        timers: time,
        randomness: { bytes: (length) => new Uint8Array(length) },
        logger: silentLogger,
      });
    await expect(open(credentials({}, new TestAuthority()))).rejects.toMatchObject({ code: 'config-invalid' });
    const end = { notAfter: new Date(time.now() + 1_000) };
    const link = await open(credentials(end));
    expect(link.certificateEndsAt).toBe(time.now() + 1_000);
    await link.close();
    time.advance(1_001);
    await expect(open(credentials(end))).rejects.toMatchObject({ code: 'config-invalid' });
    expect(time.pending).toBe(0);
  });
});

describe('what stands between a node and its authority', () => {
  const below = new TestAuthority('Below', {}, authority);
  const lowest = new TestAuthority('Lowest', {}, below);
  const shown = (by: TestAuthority, ...between: readonly TestAuthority[]): NodeCredentials => {
    const own = by.issue();
    const certificates = [own.certificate, ...between.map(({ certificate }) => certificate)];
    return { ...own, certificate: certificates.join('A line for people\n'), authority: authority.certificate };
  };

  it('is followed, in any order, and from either file', () => {
    expect(refusal(shown(lowest, lowest, below))).toBe('taken');
    expect(refusal(shown(lowest, below, lowest))).toBe('taken');
    const both = { authority: authority.certificate + below.certificate };
    expect(refusal({ ...shown(lowest, lowest), ...both })).toBe('taken');
  });

  it('is missed, and is trusted no more than who signed it', () => {
    expect(refusal(shown(lowest, lowest))).toContain('what stands between the two belongs into');
    expect(refusal(shown(lowest, below))).toContain('what stands between the two belongs into');
    expect(refusal({ ...shown(below), authority: below.certificate })).toContain('counts only with that one in');
    const another = new TestAuthority('Another');
    expect(refusal(shown(another, another))).toContain('no authority in `cluster.authorityFile` has signed');
  });

  it('has to be an authority, and its own time', () => {
    const plain = new TestAuthority('Plain', { isPlain: true }, authority);
    expect(refusal(shown(plain, plain))).toContain('is not that of a certificate authority');
    const ended = new TestAuthority('Below', times(-2 * day, -1), authority);
    expect(refusal(shown(ended, ended))).toContain('a certificate between that of this node and the authority ended');
    const soon = new TestAuthority('Below', times(0, day), authority);
    expect(checkCredentials(shown(soon, soon), 'localhost', now).endsAt).toBe(now + day);
    const root = new TestAuthority('Root', times(-2 * day, -1));
    const given = { ...credentials({}, root), authority: root.certificate };
    expect(refusal(given)).toContain('the certificate of the authority (`cluster.authorityFile`) ended');
    const noRoot = new TestAuthority('Root', { isPlain: true });
    expect(refusal({ ...credentials({}, noRoot), authority: noRoot.certificate })).toContain(
      'basicConstraints CA:TRUE',
    );
  });

  it('of several authorities the one counts that vouches for it, as during a change', () => {
    const renewed = new TestAuthority('Test authority');
    const both = authority.certificate + renewed.certificate;
    expect(refusal({ ...credentials({}, renewed), authority: both })).toBe('taken');
    expect(refusal({ ...credentials(), authority: both })).toBe('taken');
    expect(checkCredentials({ ...credentials(), authority: both }, 'localhost', now).endsAt).toBe(
      new X509Certificate(authority.certificate).validToDate.getTime(),
    );
  });
});
