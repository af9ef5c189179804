import { createHmac } from 'node:crypto';
import { lookup as dnsLookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Clock } from '../../ports/clock.ts';
import type { CodeMessage, CodeSender } from '../../ports/code-sender.ts';
import { RelayError } from '../../relay-error.ts';
import { isPublicAddress } from './public-address.ts';

/** What `webhookCodeSender` works with. */
export interface WebhookOptions {
  readonly url: string;
  /** Key of the signature. */
  readonly secret: string;
  /** Lets it post to private addresses and without TLS: for gateways in the own network. */
  readonly allowPrivate: boolean;
  readonly clock: Clock;
  /** Resolves names; the system's resolver by default. */
  readonly lookup?: LookupFunction;
}

/** The most bytes of an answer that are read. */
const mostAnswerBytes = 16 * 1024;

/**
 * Hands codes to an SMS gateway: `POST` of `{number, code, expiresAt}` as JSON, signed.
 *
 * `sotto-signature: t=<milliseconds>,v1=<hex>` where v1 is HMAC-SHA-256 of `t.body` under the shared secret: the gateway refuses a wrong signature and an old t.
 * The address is checked when the connection is made, after the name was resolved, so that a name which changes its address gains nothing; redirects are not
 * followed. Any status but 2xx is a failure.
 */
export function webhookCodeSender(options: WebhookOptions): CodeSender {
  const url = new URL(options.url);
  const isTls = url.protocol === 'https:';
  if (!isTls && !(url.protocol === 'http:' && options.allowPrivate)) {
    throw new RelayError('config-invalid', '`codes.url` has to be an https address.');
  }
  const lookup = options.lookup ?? (dnsLookup as LookupFunction);
  return {
    async send(message: CodeMessage, { signal }) {
      const hostname = url.hostname.replace(/^\[|\]$/g, '');
      if (!options.allowPrivate && isIP(hostname) !== 0 && !isPublicAddress(hostname)) throw refusedAddress();
      const body = JSON.stringify({ number: message.number, code: message.code, expiresAt: message.expiresAt });
      const at = options.clock.now();
      const signature = createHmac('sha256', options.secret).update(`${at}.${body}`).digest('hex');
      await post(body, `t=${at},v1=${signature}`, signal);
    },
  };

  function post(body: string, signature: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = (isTls ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        agent: false,
        signal,
        lookup: options.allowPrivate ? lookup : publicOnly(lookup),
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'sotto-signature': signature,
        },
      });
      request.on('error', (cause) => reject(cause instanceof RelayError ? cause : unavailable(cause)));
      request.on('response', (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > mostAnswerBytes) response.destroy();
        });
        response.on('error', (cause) => reject(unavailable(cause)));
        response.on('close', () => {
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300) resolve();
          else reject(unavailable(new Error(`the gateway answered ${status}`)));
        });
      });
      request.end(body);
    });
  }
}

/** Resolves a name and refuses it if any of its addresses is not public. */
function publicOnly(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, address, family) => {
      if (error !== null) {
        callback(error, address, family);
        return;
      }
      const addresses = typeof address === 'string' ? [address] : address.map((each) => each.address);
      if (addresses.length > 0 && addresses.every(isPublicAddress)) callback(null, address, family);
      else callback(refusedAddress(), '');
    });
  };
}

function refusedAddress(): RelayError {
  return new RelayError(
    'code-sender-unavailable',
    'The address of `codes.url` is not public: set `codes.allowPrivateWebhook` if the gateway is in your own network.',
  );
}

function unavailable(cause: unknown): RelayError {
  return new RelayError('code-sender-unavailable', 'The SMS gateway did not take the code.', {
    retryable: true,
    cause,
  });
}
