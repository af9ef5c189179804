import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate and its key, PEM. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** What a certificate says. */
export interface TestCertificateOptions {
  readonly hosts?: readonly string[];
  /** Before any time at which a test begins by default. */
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Extended key usages; none: good for everything. */
  readonly usages?: readonly ('serverAuth' | 'clientAuth')[];
}

/** What the certificate of an authority says. */
export interface TestAuthorityOptions extends Pick<TestCertificateOptions, 'notBefore' | 'notAfter'> {
  /** It does not say that it is one. */
  readonly isPlain?: boolean;
}

/** A certificate authority of one test: RFC 5280, ECDSA with P-256, no more than TLS needs. */
export class TestAuthority {
  readonly certificate: string;
  readonly #name: Buffer;
  readonly #key: KeyObject;

  /** @param by Who has signed it; itself when left out. */
  constructor(name = 'Test authority', options: TestAuthorityOptions = {}, by?: TestAuthority) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#name = nameOf(name);
    this.#key = privateKey;
    const extensions = [
      extension('551d13', true, sequence(der(0x01, Buffer.from([0xff])))),
      extension('551d0f', true, der(0x03, Buffer.from([0x01, 0x06]))),
    ];
    this.certificate = (by ?? this).#issue(publicKey, this.#name, options, options.isPlain === true ? [] : extensions);
  }

  /** A certificate for these hosts. */
  issue(options: TestCertificateOptions = {}): TestCertificate {
    const { hosts = ['localhost'], usages = [] } = options;
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const extensions = [extension('551d11', false, sequence(...hosts.map(alternativeName)))];
    if (usages.length > 0) {
      const ids = usages.map((usage) =>
        der(0x06, Buffer.from(usage === 'serverAuth' ? serverAuth : clientAuth, 'hex')),
      );
      extensions.push(extension('551d25', false, sequence(...ids)));
    }
    return {
      certificate: this.#issue(createPublicKey(privateKey), nameOf('Test node'), options, extensions),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  }

  #issue(key: KeyObject, subject: Buffer, options: TestCertificateOptions, extensions: readonly Buffer[]): string {
    const notBefore = options.notBefore ?? new Date(Date.UTC(2025, 0, 1));
    const notAfter = options.notAfter ?? new Date(Date.now() + 86_400_000);
    const algorithm = sequence(der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
    const body = sequence(
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
      algorithm,
      this.#name,
      sequence(time(notBefore), time(notAfter)),
      subject,
      key.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', body, this.#key);
    const certificate = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
    const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
    return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
  }
}

const serverAuth = '2b06010505070301';
const clientAuth = '2b06010505070302';

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

/** A common name alone. */
function nameOf(name: string): Buffer {
  return sequence(der(0x31, sequence(der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from(name)))));
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  const critical = isCritical ? [der(0x01, Buffer.from([0xff]))] : [];
  return sequence(der(0x06, Buffer.from(id, 'hex')), ...critical, der(0x04, value));
}

function alternativeName(host: string): Buffer {
  if (isIP(host) === 0) return der(0x82, Buffer.from(host));
  if (isIP(host) === 4) return der(0x87, Buffer.from(host.split('.').map(Number)));
  if (host !== '::1') throw new Error('of IPv6 only ::1 is written here');
  return der(0x87, Buffer.from([...Array.from({ length: 15 }, () => 0), 1]));
}

/** UTCTime until 2049. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}
