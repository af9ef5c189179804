import { describe, expect, it } from 'vitest';
import { certificateMaker } from '../../test/certificate-maker.ts';
import { logger, type TestDevice, testDevice } from '../../test/test-device.ts';
import { accessKeyOf } from '../accounts/access-key.ts';
import { openChat } from '../chats/chat-state.ts';
import { senderCertificateMs, serverKeyMs } from '../crypto/sealed-certificate.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { DeviceId } from '../ports/ids.ts';
import type { LogFields } from '../ports/logger.ts';
import { SottoError } from '../sotto-error.ts';
import type { HttpRequest } from '../transport/http-client.ts';
import { CertificateKeeper } from './certificate-keeper.ts';
import { isDue, usableCertificate } from './own-certificate.ts';
import { UnnamedWay } from './unnamed-way.ts';

const hour = 3_600_000;
const start = serverKeyMs * 690 + 5 * hour;

/** A relay that gives certificates, and a keeper that asks it. */
async function keeping(device?: TestDevice) {
  const alice = device ?? (await testDevice());
  const relay = {
    maker: certificateMaker(),
    roots: undefined as readonly Uint8Array[] | undefined,
    error: undefined as Error | undefined,
    account: alice.account as AccountRecord,
    asked: [] as string[],
    now: start,
    pinned: 0,
  };
  const ask = async <T>({ path, answer }: HttpRequest<T>): Promise<T> => {
    relay.asked.push(path);
    if (relay.error) throw relay.error;
    if (answer.type !== 'json') throw new Error('JSON is asked for');
    const encoded = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
    if (path === '/.well-known/sotto.json') {
      return answer.shape({ trustRoots: (relay.roots ?? [relay.maker.root]).map(encoded) });
    }
    const certificate = relay.maker.make(relay.account, relay.now);
    return answer.shape({ certificate: encoded(certificate.serialize()), expiresAt: certificate.expiration() });
  };
  const keeper = new CertificateKeeper({
    executor: alice.executor,
    anonymous: { ask },
    http: { authorized: ask },
    account: () => alice.account,
    relayNow: () => relay.now,
    logger,
    onPinned: () => relay.pinned++,
  });
  const record = () => alice.store.get('certificate', {});
  const usable = async () => usableCertificate(await record(), alice.account, relay.now);
  return { alice, relay, keeper, record, usable };
}

const wellKnown = '/.well-known/sotto.json';
const certificates = '/v1/certificates/sender';

describe('CertificateKeeper', () => {
  it.each([16, 30, 24 * 8])(
    'names senders when a new certificate seems too old by %i hours: the clock was set since the relay told its time',
    async (hours) => {
      const { alice, relay, keeper } = await keeping();
      // As it seems here; the relay goes by its own time.
      const issued = relay.maker.make(alice.account, start - hours * hour);
      relay.maker.make = () => issued;
      await keeper.ensure();
      expect(keeper.hopeless).toBe(true);
      expect([await keeper.trustRoots(), relay.pinned]).toEqual([[relay.maker.root], 1]);
    },
  );

  it('keeps the one that it has when a newer one seems too old', async () => {
    const { alice, relay, keeper, record } = await keeping();
    await keeper.ensure();
    const known = await record();
    relay.now += 7 * hour;
    const issued = relay.maker.make(alice.account, start - 30 * hour);
    relay.maker.make = () => issued;
    await keeper.ensure();
    expect([await record(), keeper.hopeless, relay.pinned]).toEqual([known, false, 1]);
  });

  it('pins the roots and keeps a certificate, which it asks for anew when a quarter of its time has passed', async () => {
    const { relay, keeper, record, usable } = await keeping();
    await keeper.ensure();
    expect(relay.asked).toEqual([wellKnown, certificates]);
    expect(await record()).toMatchObject({ trustRoots: [relay.maker.root], expiresAt: start + senderCertificateMs });
    expect(await usable()).toBeDefined();
    relay.now += 6 * hour;
    await keeper.ensure();
    expect(relay.asked).toHaveLength(2);
    relay.now += 1;
    await keeper.ensure();
    expect(relay.asked.slice(2)).toEqual([certificates]);
    expect((await record())?.expiresAt).toBe(relay.now + senderCertificateMs);
  });

  it('asks once for all who ask at once', async () => {
    const { relay, keeper } = await keeping();
    await Promise.all([keeper.ensure(), keeper.ensure(), keeper.ensure()]);
    expect(relay.asked).toHaveLength(2);
  });

  it('does with what it has while the relay can not be asked, as long as half of its time is left', async () => {
    const { relay, keeper, usable } = await keeping();
    await keeper.ensure();
    relay.error = new SottoError('relay-unreachable', 'gone', { retryable: true });
    relay.now += 12 * hour;
    await keeper.ensure();
    expect(await usable()).toBeDefined();
    relay.now += 1;
    await expect(keeper.ensure()).rejects.toMatchObject({ code: 'relay-unreachable' });
    expect(await usable()).toBeUndefined();
    expect(keeper.hopeless).toBe(false);
  });

  it('refuses a new root for good: with it nothing is sealed, and nobody believed', async () => {
    const { relay, keeper, record, usable } = await keeping();
    await keeper.ensure();
    const pinned = relay.maker.root;
    relay.maker = certificateMaker();
    relay.now += 13 * hour;
    await keeper.ensure();
    expect(await usable()).toBeUndefined();
    expect(keeper.hopeless).toBe(true);
    expect((await record())?.trustRoots).toEqual([pinned]);
    expect(await keeper.trustRoots()).toEqual([pinned]);
    expect(relay.asked.filter((path) => path === wellKnown)).toHaveLength(1);
  });

  it.each<[string, (own: AccountRecord, other: AccountRecord) => AccountRecord]>([
    ['another device', (own) => ({ ...own, deviceId: 9 as DeviceId })],
    ['another account', (_, other) => other],
    ['another identity key', (own, { identityKeyPair }) => ({ ...own, identityKeyPair })],
  ])('refuses a certificate for %s', async (_, change) => {
    const { relay, keeper, record } = await keeping();
    relay.account = change(relay.account, (await testDevice()).account);
    await keeper.ensure();
    expect([keeper.hopeless, await record()]).toEqual([true, undefined]);
  });

  it('has no hope of a relay that has none, until it is woken', async () => {
    const { relay, keeper, record } = await keeping();
    relay.roots = [];
    await keeper.ensure();
    expect([keeper.hopeless, await record(), relay.asked]).toEqual([true, undefined, [wellKnown]]);
    relay.roots = undefined;
    keeper.wake();
    expect(keeper.hopeless).toBe(false);
    await keeper.ensure();
    expect(await record()).toBeDefined();
    const older = await keeping();
    older.relay.error = new SottoError('relay-url-invalid', 'no such path', { relayCode: 'not-found' });
    await older.keeper.ensure();
    expect(older.keeper.hopeless).toBe(true);
  });

  it('asks for another one when the identity key is another, and gives up when it is stopped', async () => {
    const { alice, relay, keeper, record } = await keeping();
    await keeper.ensure();
    const anew = await testDevice({ previous: alice.account });
    expect(isDue(await record(), alice.account, relay.now)).toBe(false);
    expect(isDue(await record(), anew.account, relay.now)).toBe(true);
    await keeper.stop();
    keeper.wake();
    expect(relay.asked).toHaveLength(2);
  });
});

describe('UnnamedWay', () => {
  async function writing(isOn = true) {
    const kept = await keeping();
    const bob = await testDevice();
    const { userId, profileKey, number, username } = bob.account;
    const { store } = kept.alice;
    const logged: string[] = [];
    const warn = (event: string, fields?: LogFields) => void logged.push(`${event} ${JSON.stringify(fields)}`);
    const relayNow = () => kept.relay.now;
    const ways = new UnnamedWay({ isOn, keeper: kept.keeper, store, relayNow, logger: { ...logger, warn } });
    const user = {
      id: userId,
      number,
      username,
      profileKey,
      profileKeyAt: 1,
      avatarHash: undefined,
      returnsReceipts: true,
    };
    const put = (fields: { readonly profileKey?: Uint8Array | undefined } = {}, accepted = true) =>
      kept.alice.executor.run([], async (overlay) => {
        overlay.put('user', { ...user, blockedAt: undefined, createdAt: 1, updatedAt: 1, ...fields });
        overlay.put('chat', { ...(await openChat(overlay, userId, start)), accepted });
      });
    const way = async () =>
      (await kept.alice.executor.run([], (overlay) => ways.to(overlay, userId, kept.alice.account))).way;
    return { ...kept, bob, ways, put, way, logged };
  }

  it('names the sender to strangers and to who gave no profile key, and to contacts does not', async () => {
    const { keeper, put, way } = await writing();
    await keeper.ensure();
    expect(await way()).toBe('named');
    await put({}, false);
    expect(await way()).toBe('named');
    await put({ profileKey: undefined });
    expect(await way()).toBe('named');
    await put();
    expect(await way()).toBe('unnamed');
  });

  it('waits for a certificate, unless there is no hope of one', async () => {
    const { keeper, relay, put, way } = await writing();
    await put();
    expect(await way()).toBe('needs-certificate');
    relay.roots = [];
    await keeper.ensure();
    expect(await way()).toBe('named');
  });

  it('names the sender once the key was refused, until there is another key', async () => {
    const { keeper, bob, ways, put, way, logged } = await writing();
    await keeper.ensure();
    await put();
    for (let times = 0; times < 3; times++) {
      ways.refusedFor(bob.account.userId, accessKeyOf(bob.account.profileKey));
    }
    expect(await way()).toBe('named');
    // Once a key, and nothing of whose it is.
    expect(logged).toEqual(['sealed.key-refused {"people":1}']);
    await put({ profileKey: new Uint8Array(32).fill(3) });
    expect(await way()).toBe('unnamed');
  });

  it('names the sender where the user wants that', async () => {
    const { keeper, put, way } = await writing(false);
    await keeper.ensure();
    await put();
    expect(await way()).toBe('named');
  });
});
