import { createPrivateKey, X509Certificate } from 'node:crypto';
import { checkServerIdentity, createSecureContext, type PeerCertificate } from 'node:tls';
import { RelayError } from '../../relay-error.ts';
import { certificatesIn, waysToRoot } from './certificate-chain.ts';

/** What a node shows to others, and what it takes from them: PEM. */
export interface NodeCredentials {
  /** The node's certificate, and those between it and the authority. Its names hold the host that others reach the node by; where it limits its use, it is good for servers and clients. */
  readonly certificate: string;
  readonly key: string;
  /** The cluster's own certificate authority: whoever has a certificate of it is a node. Several during a change. */
  readonly authority: string;
}

/** RFC 5280 section 4.2.1.12: what a certificate of a node is used for, if it says what it may be. */
const uses = [
  ['serverAuth', '1.3.6.1.5.5.7.3.1'],
  ['clientAuth', '1.3.6.1.5.5.7.3.2'],
] as const;

/** Whether a certificate is of this host: RFC 9525, as Node checks those of servers. */
export function isOfHost(certificate: PeerCertificate, host: string): boolean {
  return certificate.subject !== undefined && checkServerIdentity(host, certificate) === undefined;
}

/** When a certificate that was shown ends, milliseconds since the Unix epoch. */
export function endOf({ valid_to }: PeerCertificate): number {
  const end = Date.parse(valid_to);
  return Number.isNaN(end) ? Number.POSITIVE_INFINITY : end;
}

/**
 * Checks, as other nodes will, what would otherwise come out only when they refuse this one.
 * @param host By which they reach it.
 * @param now Milliseconds since the Unix epoch.
 * @returns when they begin to refuse it: the end of its certificate, or of one that vouches for it
 * @throws {RelayError} `config-invalid`
 */
export function checkCredentials(
  { certificate, key, authority }: NodeCredentials,
  host: string,
  now: number,
): { readonly endsAt: number } {
  const own = parsed('`cluster.certificateFile`', () => new X509Certificate(certificate));
  const ownKey = parsed('`cluster.certificateKeyFile`', () => createPrivateKey(key));
  parsed('`cluster.authorityFile`', () => new X509Certificate(authority));
  if (!own.checkPrivateKey(ownKey)) {
    throw invalid(
      'the key is not that of the certificate: set `cluster.certificateKeyFile` to the key that `cluster.certificateFile` was asked for with',
    );
  }
  const [, ...between] = parsed('something in `cluster.certificateFile`', () => certificatesIn(certificate));
  const trusted = parsed('something in `cluster.authorityFile`', () => certificatesIn(authority));
  parsed('something in `cluster.certificateFile`, `cluster.certificateKeyFile` or `cluster.authorityFile`', () =>
    createSecureContext({ cert: certificate, key, ca: authority }),
  );
  if (!isOfHost(own.toLegacyObject(), host)) {
    throw invalid(
      `the certificate does not name the host that the node is reached by: have the authority issue one for \`cluster.host\` (${host}), in its subjectAltName`,
    );
  }
  for (const [use, id] of uses) {
    // Its type says a list; a certificate that says nothing has none.
    const allowed: readonly string[] | undefined = own.keyUsage;
    if (allowed === undefined || allowed.includes(id)) continue;
    throw invalid(
      `the certificate may not be used as ${use}, and nodes are servers and clients: have the authority issue one with both, or without extendedKeyUsage`,
    );
  }
  let refusal: string | undefined;
  for (const way of waysToRoot(own, between, trusted)) {
    const problem = problemOf(way, now);
    if (problem === undefined) return { endsAt: Math.min(...way.map(({ validToDate }) => validToDate.getTime())) };
    refusal ??= problem;
  }
  throw invalid(
    refusal ??
      'no authority in `cluster.authorityFile` has signed `cluster.certificateFile`: have the authority of the cluster sign it, or copy its certificate from another node; what stands between the two belongs into `cluster.certificateFile`, behind the certificate of this node, and an authority that is signed by another one counts only with that one in `cluster.authorityFile`',
  );
}

/** Why others refuse a certificate that is signed as it should be; `undefined` when they take it. */
function problemOf(way: readonly [X509Certificate, ...X509Certificate[]], now: number): string | undefined {
  for (const [at, one] of way.entries()) {
    const which =
      at === 0
        ? 'the certificate of this node (`cluster.certificateFile`)'
        : at === way.length - 1
          ? 'the certificate of the authority (`cluster.authorityFile`)'
          : 'a certificate between that of this node and the authority';
    const [from, to] = [one.validFromDate, one.validToDate];
    if (now > to.getTime()) {
      return `${which} ended at ${to.toISOString()}: have another one issued, or set the clock of this machine`;
    }
    if (now < from.getTime()) {
      return `${which} is not good before ${from.toISOString()}: set the clock of this machine, or have another one issued`;
    }
    if (at > 0 && !one.ca) {
      return `${which} is not that of a certificate authority: make one with basicConstraints CA:TRUE, and have it sign the others anew`;
    }
  }
  return undefined;
}

function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw invalid(`${what} is no PEM that can be read`, cause);
  }
}

function invalid(what: string, cause?: unknown): RelayError {
  return new RelayError('config-invalid', `The link between nodes can't begin: ${what}.`, { cause });
}
