import { fromBase64Url, isUuid, ProtoError, toBase64Url, uuidToBytes, uuidToText } from '@sotto/proto';
import { loadConfig, RelayError } from '@sotto/relay-server';
import { Client, memoryStore, SottoError } from '@sotto/sdk';
import type { FuzzRandom } from '../fuzz-random.ts';
import type { FuzzTarget } from '../fuzz-target.ts';

const decoder = new TextDecoder();
const encode = (text: string) => new TextEncoder().encode(text);
const encodeAll = (texts: readonly string[]) => texts.map(encode);

/** Parsers of texts that people and programs write. Each refuses by its package's own error, or understands. */
export function textTargets(): readonly FuzzTarget[] {
  return [base64Url, uuids, configFile, environment, relayUrl, recoveryKey, numbers];
}

/** A text of parts that a format is made of. */
function joined(random: FuzzRandom, parts: readonly string[]): Uint8Array {
  const count = random.between(0, 8);
  return encode(
    Array.from({ length: count }, () => (random.once(6) ? random.someText() : random.pick(parts))).join(''),
  );
}

const base64Url: FuzzTarget = {
  name: 'base64url',
  seeds: () => encodeAll(['', 'AA', 'AQID', '_-_-']),
  generate: (random) => joined(random, ['A', 'Zz', '-', '_', '=', '+', '/', ' ', '\n', '9', 'AAAA']),
  run(input) {
    const text = decoder.decode(input);
    const bytes = orRefused(() => fromBase64Url(text), ProtoError);
    if (bytes !== undefined && toBase64Url(bytes) !== text) throw new Error('two texts stand for the same bytes');
  },
};

const uuids: FuzzTarget = {
  name: 'uuid',
  seeds: () => encodeAll(['b3a0f2a8-98f4-4b7e-9f5e-6d2c1f0e7a11']),
  generate: (random) => joined(random, ['b3a0f2a8', '-', '98f4', '4b7e', '6d2c1f0e7a11', 'G', 'A']),
  run(input) {
    const text = decoder.decode(input);
    const bytes = orRefused(() => uuidToBytes(text), ProtoError);
    if ((bytes !== undefined) !== isUuid(text)) throw new Error('isUuid and uuidToBytes disagree');
    if (bytes !== undefined && uuidToText(bytes) !== text) throw new Error('two texts stand for the same id');
  },
};

const configFile: FuzzTarget = {
  name: 'config-file',
  seeds: () => encodeAll(['{}', '{"port": 0, "mailbox": {"quotaCount": 5}}', '{"allowedOrigins": ["*"]}']),
  generate: (random) =>
    joined(random, [
      '{',
      '}',
      '"port"',
      ':',
      '8080',
      '-1',
      ',',
      '"limits"',
      'null',
      '[',
      ']',
      '"mailbox"',
      '1e99',
      'true',
    ]),
  run(input) {
    orRefused(() => loadConfig({ file: { path: 'relay.json', text: decoder.decode(input) } }), RelayError);
  },
};

const environment: FuzzTarget = {
  name: 'config-environment',
  seeds: () => encodeAll(['PORT=1', 'MAILBOX_QUOTA_COUNT=7', 'HOST=::1']),
  generate: (random) => joined(random, ['PORT', 'HOST', '_', 'LIMITS', '=', '0', '-', 'MAILBOX', 'DATA', ',', '1e3']),
  run(input) {
    const [name = '', ...rest] = decoder.decode(input).split('=');
    orRefused(() => loadConfig({ environment: { [`SOTTO_${name}`]: rest.join('=') } }), RelayError);
  },
};

const relayUrl: FuzzTarget = {
  name: 'relay-url',
  seeds: () => encodeAll(['http://localhost:8080', 'https://relay.example/path/']),
  generate: (random) =>
    joined(random, ['http', 'https', 'ws', '://', 'localhost', ':', '8080', '/', '@', '?', '#', '..', '[::1]', 'user']),
  async run(input) {
    // A store without an account connects nowhere.
    const opening = Client.open({ relay: decoder.decode(input), store: memoryStore() });
    const client = await opening.catch((error: unknown) => refusedBy(error, SottoError));
    await client?.stop();
  },
};

const recoveryKey: FuzzTarget = {
  name: 'recovery-key',
  seeds: () => encodeAll(['0000-0000-0000', 'OIL0-1234-ZZZZ']),
  generate: (random) => joined(random, ['ABCD', '-', '0', 'O', 'I', 'L', 'U', 'ZZZZ', ' ', '7'.repeat(58)]),
  run: (input) => registering(decoder.decode(input), '+14155550101'),
};

const numbers: FuzzTarget = {
  name: 'phone-number',
  seeds: () => encodeAll(['+14155550101', '0049 30 1234567', '+1 (415) 555-0101']),
  generate: (random) => joined(random, ['+', '1', '415', '555', '0101', '(', ')', '-', ' ', 'ext', ';', '٣', '０']),
  run: (input) => registering(undefined, decoder.decode(input)),
};

/** Registers with a relay that is not there: what is checked before anything is sent is checked. */
async function registering(key: string | undefined, phone: string): Promise<void> {
  const unreachable = () => Promise.reject(new TypeError('unreachable'));
  const client = await Client.open({
    relay: 'http://localhost:1',
    store: memoryStore(),
    platform: { fetch: unreachable },
  });
  try {
    const options = { phone, profile: { username: 'Somebody' }, code: () => '000000' };
    await client
      .register(key === undefined ? options : { ...options, recoveryKey: key })
      .catch((error: unknown) => refusedBy(error, SottoError));
  } finally {
    await client.stop();
  }
}

type ErrorClass = abstract new (...parameters: never[]) => Error & { readonly code: string };

function orRefused<T>(call: () => T, by: ErrorClass): T | undefined {
  try {
    return call();
  } catch (error) {
    return refusedBy(error, by);
  }
}

/** A refusal has the package's own error, and is no defect. */
function refusedBy(error: unknown, by: ErrorClass): undefined {
  if (!(error instanceof by) || error.code === 'internal') throw error;
  return undefined;
}
