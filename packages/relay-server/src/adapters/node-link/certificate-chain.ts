import { X509Certificate } from 'node:crypto';

/** More than anybody has between a node and its authority. */
const longestWay = 8;

/**
 * The certificates in a text of PEM, in its order; what stands between them is left out.
 * @throws when one of them can't be read
 */
export function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/**
 * The ways from a certificate to a root that is trusted: itself first, each signed by the one after it, the root last.
 *
 * As TLS goes it (RFC 5280 section 6.1), but for the times and uses, which the caller looks at: a trusted certificate that another authority has signed is no end.
 * @param between Certificates that need not be trusted by themselves.
 */
export function* waysToRoot(
  certificate: X509Certificate,
  between: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
  before: readonly X509Certificate[] = [],
): Generator<readonly [X509Certificate, ...X509Certificate[]]> {
  if (isSignedBy(certificate, certificate)) {
    if (trusted.some((one) => isSame(one, certificate))) yield [certificate];
    return;
  }
  const sofar = [...before, certificate];
  if (sofar.length >= longestWay) return;
  const issuers = [...trusted, ...between].filter(
    (one) => isSignedBy(certificate, one) && !sofar.some((former) => isSame(former, one)),
  );
  for (const issuer of issuers) {
    for (const rest of waysToRoot(issuer, between, trusted, sofar)) yield [certificate, ...rest];
  }
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isSame(one: X509Certificate, other: X509Certificate): boolean {
  return one.raw.equals(other.raw);
}
