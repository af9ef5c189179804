import { createPrivateKey, X509Certificate } from 'node:crypto';
import { checkServerIdentity, createSecureContext, type PeerCertificate } from 'node:tls';
import { RelayError } from '../../relay-error.ts';

/** What a node shows to others, and what it takes from them: PEM. */
export interface NodeCredentials {
  /** The node's certificate, and those between it and the authority. Its names hold the host that others reach the node by; where it limits its use, it is good for servers and clients. */
  readonly certificate: string;
  readonly key: string;
  /** The cluster's own certificate authority: whoever has a certificate of it is a node. Several during a change. */
  readonly authority: string;
}

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
 * Checks what would otherwise come out only when other nodes refuse this one.
 * @throws {RelayError} `config-invalid`
 */
export function checkCredentials({ certificate, key, authority }: NodeCredentials, host: string): void {
  const own = parsed('the certificate', () => new X509Certificate(certificate));
  const ownKey = parsed('the key', () => createPrivateKey(key));
  parsed('the authority', () => new X509Certificate(authority));
  if (!own.checkPrivateKey(ownKey)) throw invalid('the key is not that of the certificate');
  parsed('something of the certificate, key or authority', () =>
    createSecureContext({ cert: certificate, key, ca: authority }),
  );
  if (!isOfHost(own.toLegacyObject(), host)) {
    throw invalid('the certificate does not name the host that the node is reached by');
  }
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
