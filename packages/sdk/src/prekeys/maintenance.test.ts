import { describe, expect, it } from 'vitest';
import { IdentityKeyPair } from '#libsignal';
import { accountClient } from '../../test/account-client.ts';
import { refusal } from '../../test/scripted-relay.ts';
import { randomness } from '../../test/test-device.ts';
import { until } from '../../test/turn-of-events.ts';
import { preparedPrekeys } from '../devices/own-list.ts';
import { PrekeyIds } from './prekey-id.ts';
import { firstPrekeys, fullUploadOf, makePrekeys } from './prekey-material.ts';

const day = 86_400_000;

async function registered() {
  const client = await accountClient();
  await client.register();
  await client.account();
  client.steps.splice(0);
  return client;
}

describe('PrekeyMaintenance', () => {
  it('does nothing when all is well', async () => {
    await using client = await registered();
    await client.maintenance.pass();
    expect(client.service.uploads).toEqual([]);
    expect(client.steps).toEqual([]);
  });

  it('fills up what the relay gave away', async () => {
    await using client = await registered();
    client.service.left = { ec: 10, kyber: 19 };
    await client.maintenance.pass();
    expect(client.service.left).toEqual({ ec: 100, kyber: 100 });
    const prekeys = await client.store.prekeys();
    expect(prekeys.filter(({ uploaded }) => uploaded)).toHaveLength(202 + 90 + 81);
    expect(new Set(client.steps)).toEqual(new Set(['prekeys.committed', 'prekeys.uploaded', 'prekeys.recorded']));
    const sent = client.service.uploads.flatMap(({ prekeys: ec = [] }) => ec.map(({ id }) => id));
    const first = client.service.account?.prekeys.prekeys.map(({ id }) => id) ?? [];
    expect(Math.min(...sent)).toBeGreaterThan(Math.max(...first));
  });

  it('replaces the signed and the last-resort key every week, and keeps the old ones for 70 days', async () => {
    await using client = await registered();
    client.clock.advance(7 * day);
    await client.maintenance.pass();
    expect(client.service.uploads).toMatchObject([
      { signedPrekey: { id: expect.any(Number) }, lastResortKyberPrekey: { id: expect.any(Number) } },
    ]);
    const replaced = async () => (await client.store.prekeys()).filter(({ replacedAt }) => replacedAt !== undefined);
    expect(await replaced()).toHaveLength(2);
    client.clock.advance(69 * day);
    await client.maintenance.pass();
    expect(await replaced()).toHaveLength(4);
    client.clock.advance(day);
    await client.maintenance.pass();
    expect((await replaced()).some(({ createdAt }) => createdAt + 77 * day <= client.clock.now())).toBe(false);
  });

  it('keeps a one-time key for whoever was just given it, however old it is', async () => {
    await using client = await registered();
    client.clock.advance(105 * day);
    client.service.left = { ec: 99, kyber: 99 };
    await client.maintenance.pass();
    const given = async () =>
      (await client.store.prekeys()).filter(
        ({ kind, replacedAt }) => (kind === 'ec' || kind === 'kyber') && replacedAt !== undefined,
      );
    expect((await given()).map(({ kind }) => kind)).toEqual(['ec', 'kyber']);
    client.clock.advance(69 * day);
    await client.maintenance.pass();
    expect(await given()).toHaveLength(2);
    client.clock.advance(day);
    await client.maintenance.pass();
    expect(await given()).toEqual([]);
  });

  it('keeps the signed key that the relay gives away as long as no other one has got through', async () => {
    await using client = await registered();
    const first = (await client.store.prekeys()).find(({ kind }) => kind === 'signed');
    const kept = () => client.store.get('prekey', { kind: 'signed', id: first?.id ?? 0 });
    client.service.lose = ({ method }) => (method === 'PUT' ? 'cut' : undefined);
    for (let weeks = 0; weeks < 20; weeks++) {
      client.clock.advance(7 * day);
      await expect(client.maintenance.pass()).rejects.toMatchObject({ code: 'relay-unreachable' });
    }
    expect(await kept()).toMatchObject({ replacedAt: undefined });
    client.service.lose = undefined;
    await client.maintenance.pass();
    expect(await kept()).toMatchObject({ replacedAt: client.clock.now() });
  });

  it('uploads again what did not get through, under the same ids', async () => {
    let client = await registered();
    client.service.left = { ec: 0, kyber: 100 };
    client.service.lose = ({ method, path }) => (`${method} ${path}` === 'PUT /v1/prekeys' ? 'cut' : undefined);
    await expect(client.maintenance.pass()).rejects.toMatchObject({ code: 'relay-unreachable' });
    client.service.lose = undefined;
    client = await client.restart();
    await client.account();
    await client.maintenance.pass();
    const [first, second] = client.service.uploads;
    expect(first?.prekeys).toHaveLength(100);
    expect(second).toEqual(first);
    expect((await client.store.prekeys()).every(({ uploaded }) => uploaded)).toBe(true);
    await client[Symbol.asyncDispose]();
  });

  it('does not bring back a key that was used meanwhile', async () => {
    await using client = await registered();
    client.service.left = { ec: 0, kyber: 100 };
    const { executor, service } = client;
    service.lose = ({ method, body }) => {
      if (method !== 'PUT') return undefined;
      const [used] = JSON.parse(body).prekeys;
      executor
        .run([`prekey:ec.${used.id}`], (overlay) => overlay.delete('prekey', { kind: 'ec', id: used.id }))
        .catch((error: unknown) => expect(error).toBeUndefined());
      return undefined;
    };
    await client.maintenance.pass();
    const [used] = service.uploads[0]?.prekeys ?? [];
    expect(await client.store.get('prekey', { kind: 'ec', id: used?.id ?? 0 })).toBeUndefined();
    expect(await client.store.prekeys()).toHaveLength(202 + 99);
  });

  it('makes others when the relay remembers other keys under these ids', async () => {
    await using client = await registered();
    client.service.left = { ec: 0, kyber: 100 };
    client.service.lose = ({ method }) => (method === 'PUT' ? refusal(409, 'prekey-conflict') : undefined);
    await expect(client.maintenance.pass()).rejects.toMatchObject({ relayCode: 'prekey-conflict' });
    expect(await client.store.prekeys()).toHaveLength(202);
  });

  it('leaves alone what waits for another identity key, though its clock was ahead when the keys at the relay were made', async () => {
    await using client = await registered();
    client.clock.advance(8 * day);
    const identityKeyPair = IdentityKeyPair.generate().serialize();
    let begun: Promise<void> | undefined;
    client.service.lose = ({ method }) => {
      // A revocation is begun while new keys are on their way, and the clock is right again.
      if (method === 'PUT') {
        begun ??= client.executor.run(['account', 'prekeys'], async (overlay) => {
          const now = client.clock.now() - 8 * day + 1;
          const ids = new PrekeyIds(randomness, await client.store.prekeys());
          for (const prekey of makePrekeys(firstPrekeys, { identityKeyPair, ids, now })) overlay.put('prekey', prekey);
          overlay.put('listIntent', { signed: new Uint8Array(1), identityKeyPair, createdAt: now });
        });
      }
      return undefined;
    };
    await client.maintenance.pass();
    await begun;
    const prepared = preparedPrekeys(await client.store.prekeys(), identityKeyPair);
    expect(prepared.filter(({ replacedAt }) => replacedAt === undefined)).toHaveLength(202);
    expect(() => fullUploadOf(prepared)).not.toThrow();
  });

  it('works in the background, logs failures, and tries again when asked', async () => {
    await using client = await registered();
    client.service.lose = () => 'cut';
    client.maintenance.wake();
    client.maintenance.wake();
    await until(() => client.warnings.includes('prekeys.failed'));
    client.service.lose = undefined;
    client.service.left = { ec: 0, kyber: 0 };
    await until(() => {
      client.maintenance.retry();
      return client.service.uploads.length > 0;
    });
    await client.maintenance.stop();
    client.maintenance.wake();
    client.maintenance.retry();
  });
});
