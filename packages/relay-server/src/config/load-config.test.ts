import { describe, expect, it } from 'vitest';
import { allConfigKeys } from './config-keys.ts';
import { loadConfig } from './load-config.ts';

const file = (value: unknown) => ({ path: 'relay.json', text: JSON.stringify(value) });

describe('loadConfig', () => {
  it('has a default for everything, each of which is valid itself', () => {
    const config = loadConfig();
    expect(config.host).toBe('127.0.0.1');
    expect(config.mailbox.retentionMs).toBe(30 * 24 * 3_600_000);
    for (const key of allConfigKeys) {
      if (key.fallback !== '') expect(key.read(key.fallback), key.name).toEqual(key.fallback);
    }
  });

  it('takes flags over environment over file over defaults', () => {
    const sources = { file: file({ port: 1, host: 'a', codes: { ttlMs: 5_000 } }), environment: { SOTTO_PORT: '2' } };
    expect(loadConfig(sources)).toMatchObject({ port: 2, host: 'a', codes: { ttlMs: 5_000, resendAfterMs: 60_000 } });
    expect(loadConfig({ ...sources, flags: new Map([['port', '3']]) }).port).toBe(3);
  });

  it.each([
    [{ file: file({ prot: 1 }) }, 'relay.json: unknown key `prot`: did you mean `port`?'],
    [{ file: file({ codes: { tllMs: 1 } }) }, 'relay.json: unknown key `codes.tllMs`: did you mean `codes.ttlMs`?'],
    [{ file: file({ mailbx: { quotaCount: 1 } }) }, 'relay.json: unknown key `mailbx`: did you mean `mailbox`?'],
    [{ environment: { SOTTO_PROT: '1' } }, 'environment: unknown key `SOTTO_PROT`: did you mean `SOTTO_PORT`?'],
    [{ file: file({ zzzzzzzz: 1 }) }, '`sotto-relay --help` lists them'],
    [{ file: file({ port: '80a' }) }, 'relay.json: `port` has to be a whole number from 0 to 65535.'],
    [{ file: file({ port: 70_000 }) }, '`port`'],
    [{ file: file({ limits: { sendsToStranger: { refillMs: 1_001 } } }) }, 'a whole number from 1 to 1000.'],
    [{ file: file({ limits: { sendsToContact: { refillMs: 1_001 } } }) }, 'a whole number from 1 to 1000.'],
    [{ environment: { SOTTO_PORT: '-1' } }, 'environment variable SOTTO_PORT: `port`'],
    [{ file: file({ barredCountries: ['cn'] }) }, '`barredCountries`'],
    [{ file: file({ allowedOrigins: 'example' }) }, '`allowedOrigins`'],
    [{ file: file({ codes: { sender: 'webhook' } }) }, 'set `codes.url` and `codes.secret` too'],
    [{ file: file({ codes: { sender: 'webhook', url: 'http://gw', secret: 'x'.repeat(16) } }) }, 'https'],
    [{ file: file({ blobs: { store: 's3' } }) }, 'relay.json: `blobs.store` is `s3`: set `blobs.s3.bucket` too.'],
    [{ file: file({ blobs: { store: 's3', s3: { bucket: 'a', prefix: 'b' } } }) }, 'like `sotto/`'],
    [{ file: file({ blobs: { store: 's3', s3: { bucket: 'a', endpoint: 'b' } } }) }, 'like `https://s3.example:9000`'],
    [{ file: file({ blobs: { store: 's3', s3: { bucket: 'a', accessKeyId: 'b' } } }) }, 'both, or neither'],
    [{ file: file({ kafka: { broker: ['a:1'] } }) }, 'unknown key `kafka.broker`: did you mean `kafka.brokers`?'],
    [{ file: file({ kafka: { brokers: ['a'] } }) }, 'a list of brokers like `kafka-1.example:9092`'],
    [{ file: file({ cassandra: { contactPoints: ['a:9042'] } }) }, 'without a port'],
    [{ file: file({ cassandra: { replication: ['a'] } }) }, 'like `datacenter1:3`'],
    [{ file: file({ cassandra: { keyspace: 'A' } }) }, '`cassandra.keyspace`'],
    [{ file: file({ cluster: { name: 'A b' } }) }, '`cluster.name`'],
    [{ file: file([]) }, 'JSON object'],
    [{ file: { path: 'relay.json', text: '{' } }, 'relay.json: not JSON'],
  ])('refuses %j and says what to do', (sources, message) => {
    expect(() => loadConfig(sources)).toThrow(message);
  });

  it('reads lists and booleans from the environment', () => {
    const config = loadConfig({
      environment: { SOTTO_ALLOWED_ORIGINS: 'https://a.example, https://b.example', SOTTO_BARRED_COUNTRIES: '' },
    });
    expect(config.allowedOrigins).toEqual(['https://a.example', 'https://b.example']);
    expect(config.barredCountries).toEqual([]);
    expect(loadConfig({ environment: { SOTTO_CODES_ALLOW_PRIVATE_WEBHOOK: 'true' } }).codes.allowPrivateWebhook).toBe(
      true,
    );
  });
});
