import { fromBase64Url } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { accountClient } from '../../test/account-client.ts';
import { refusal } from '../../test/scripted-relay.ts';
import { until } from '../../test/turn-of-events.ts';
import { verifyDeviceList } from '../devices/device-list.ts';
import { defaultPlatform } from '../platform/platform.node.ts';
import type { ChatId, MessageId, UserId } from '../ports/ids.ts';
import { parseRecoveryKey, rootKeyOf } from './recovery-key.ts';
import { openProfile } from './sealed-profile.ts';

const { sha256 } = defaultPlatform();

describe('Registration', () => {
  it('makes an account, its keys and its recovery key', async () => {
    await using client = await accountClient();
    const registered = await client.register();
    const account = await client.account();
    if (account === undefined) throw new Error('no account');
    expect(registered).toMatchObject({ userId: account.userId, deviceId: 1, profileStored: true });
    expect(account).toMatchObject({ number: '+14155550101', username: 'Alice', ended: false });
    const secret = parseRecoveryKey(registered.recoveryKey, sha256);
    const list = verifyDeviceList(account.deviceList, account.userId, sha256);
    expect(list.rootKey).toEqual(rootKeyOf(secret).getPublicKey().serialize());
    expect(list.devices).toMatchObject([{ deviceId: 1, registrationId: account.registrationId }]);
    const request = client.service.account;
    expect(openProfile(fromBase64Url(request?.profile ?? ''), account.profileKey).username).toBe('Alice');
    expect(request?.prekeys.prekeys).toHaveLength(100);
    expect(request?.prekeys.kyberPrekeys).toHaveLength(100);
    const prekeys = await client.store.prekeys();
    expect(prekeys).toHaveLength(202);
    expect(prekeys.every(({ uploaded }) => uploaded)).toBe(true);
    expect(await client.store.get('registration', {})).toBeUndefined();
    expect(await client.store.get('deviceList', account)).toMatchObject({ version: 1 });
    expect(await client.store.get('user', { id: account.userId })).toMatchObject({ username: 'Alice' });
    expect(client.steps).toEqual(['registration.draft-committed', 'registration.answered', 'registration.committed']);
  });

  it.each([
    ['number-invalid', { phone: '+1415' }],
    ['username-invalid', { profile: { username: '' } }],
    ['username-invalid', { profile: { username: 'x'.repeat(51) } }],
    ['avatar-too-large', { profile: { username: 'A', avatar: new Uint8Array(1024 * 1024 + 1) } }],
  ] as const)('checks everything before it sends anything: %s', async (code, wrong) => {
    await using client = await accountClient();
    await expect(client.register(wrong)).rejects.toMatchObject({ code });
    expect(client.relay.seen).toEqual([]);
  });

  it('goes on after a wrong code without a second SMS, and says how many tries are left', async () => {
    await using client = await accountClient();
    const asked: (number | undefined)[] = [];
    const wrong = client.register({
      code: ({ attemptsLeft }) => {
        asked.push(attemptsLeft);
        return '000 000';
      },
    });
    await expect(wrong).rejects.toMatchObject({ code: 'code-wrong', attemptsLeft: 4 });
    await client.register({
      code: async ({ attemptsLeft }) => {
        asked.push(attemptsLeft);
        return ' 123 456\n';
      },
    });
    expect(asked).toEqual([undefined, 4]);
    expect(client.service.verifications).toBe(1);
    expect(await client.store.prekeys()).toHaveLength(202);
  });

  it.each(['', '12345a', '１２３４５６', '123', '1'.repeat(21)])('sends no code that is none: "%s"', async (code) => {
    await using client = await accountClient();
    await expect(client.register({ code: () => code })).rejects.toMatchObject({ code: 'code-invalid' });
    expect(client.relay.seen.map(({ path }) => path)).toEqual(['/v1/verifications']);
    await client.register();
    expect(client.service.verifications).toBe(1);
  });

  it('has a new code sent when the old one is void, too old, or did not arrive', async () => {
    await using client = await accountClient();
    const sent = () => client.service.verifications;
    await expect(client.register({ code: () => '000000' })).rejects.toMatchObject({ code: 'code-wrong' });
    client.service.triesLeft = 0;
    await expect(client.register()).rejects.toMatchObject({ code: 'code-void' });
    expect(sent()).toBe(1);
    await expect(client.register({ code: () => '' })).rejects.toMatchObject({ code: 'code-invalid' });
    expect(sent()).toBe(2);
    client.clock.advance(11 * 60_000);
    await expect(client.register({ code: () => '' })).rejects.toMatchObject({ code: 'code-invalid' });
    expect(sent()).toBe(3);
    await expect(client.register({ code: () => '', resendCode: true })).rejects.toMatchObject({ code: 'code-invalid' });
    await client.register();
    expect(sent()).toBe(4);
  });

  it.each(['/v1/verifications', '/v1/registrations'])('goes on after the answer to %s was lost', async (path) => {
    let client = await accountClient();
    client.service.lose = (request) => (request.path === path ? 'cut' : undefined);
    await expect(client.register()).rejects.toMatchObject({ code: 'relay-unreachable', retryable: true });
    const made = client.service.account?.userId;
    client.service.lose = undefined;
    client = await client.restart();
    const codes: string[] = [];
    const { userId } = await client.register({
      code: () => {
        codes.push('asked');
        return client.service.code;
      },
    });
    if (path === '/v1/registrations') {
      expect(userId).toBe(made);
      expect(codes).toEqual([]);
      expect(client.service.verifications).toBe(1);
    }
    expect((await client.account())?.accessToken).toBe(client.service.access);
    await client[Symbol.asyncDispose]();
  });

  it('goes on after its commits failed', async () => {
    await using client = await accountClient();
    const full = new Error('the disk is full');
    client.store.failNextCommit(full);
    await expect(client.register()).rejects.toBe(full);
    const answered = client.register({
      code: () => {
        client.service.lose = () => {
          client.store.failNextCommit(full);
          client.service.lose = undefined;
          return undefined;
        };
        return client.service.code;
      },
    });
    await expect(answered).rejects.toBe(full);
    expect(await client.account()).toBeUndefined();
    const { userId } = await client.register({ code: () => '000000' });
    expect(userId).toBe(client.service.account?.userId);
  });

  it('keeps the keys when the relay forgot the verification: an earlier answer may have been lost', async () => {
    await using client = await accountClient();
    client.service.lose = ({ path }) => (path === '/v1/registrations' ? 'cut' : undefined);
    await expect(client.register()).rejects.toMatchObject({ code: 'relay-unreachable' });
    const made = client.service.account?.userId;
    client.service.lose = ({ path }) => {
      if (path === '/v1/registrations') client.service.lose = undefined;
      return path === '/v1/registrations' ? refusal(410, 'code-expired') : undefined;
    };
    const { userId } = await client.register({ profile: { username: 'Alicia' } });
    expect(userId).toBe(made);
    expect(client.service.verifications).toBe(2);
    expect((await client.account())?.username).toBe('Alicia');
    expect(client.service.profiles).toHaveLength(1);
  });

  it('drops a request that the relay will never take, and the draft of another number', async () => {
    await using client = await accountClient();
    client.service.lose = ({ path }) => (path === '/v1/registrations' ? refusal(409, 'user-id-taken') : undefined);
    await expect(client.register()).rejects.toMatchObject({ code: 'relay-refused', relayCode: 'user-id-taken' });
    expect(await client.store.get('registration', {})).toBeUndefined();
    expect(await client.store.prekeys()).toEqual([]);
    client.service.lose = undefined;
    client.service.account = undefined;
    await expect(client.register({ code: () => '000000' })).rejects.toMatchObject({ code: 'code-wrong' });
    await client.register({ phone: '+14155550102' });
    expect((await client.account())?.number).toBe('+14155550102');
    expect(await client.store.prekeys()).toHaveLength(202);
  });

  it('passes on what the user’s code callback throws, and ends with its signal', async () => {
    await using client = await accountClient();
    const reason = new Error('closed the window');
    const thrown = client.register({ code: () => Promise.reject(reason) });
    await expect(thrown).rejects.toBe(reason);
    const ending = new AbortController();
    const waiting = client.register({ code: () => new Promise(() => undefined), signal: ending.signal });
    const again = client.register();
    await expect(again).rejects.toMatchObject({ code: 'argument-invalid' });
    ending.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await client.register();
    await expect(client.register()).rejects.toMatchObject({ code: 'already-registered' });
  });

  it('stores an avatar, and tells when it could not', async () => {
    await using client = await accountClient();
    const avatar = Uint8Array.of(1, 2, 3);
    client.service.lose = ({ path }) => (path === '/v1/profile/avatar' ? refusal(503, 'draining') : undefined);
    const registered = await client.register({ profile: { username: 'Alice', avatar } });
    expect(registered.profileStored).toBe(false);
    expect(client.warnings).toEqual(['registration.profile-not-stored']);
    client.service.lose = undefined;
    await client.profiles.set({ username: 'Alice', avatar });
    const account = await client.account();
    expect(await client.store.get('user', { id: account?.userId as UserId })).toMatchObject({
      avatarHash: sha256(avatar),
    });
    const sealed = fromBase64Url(client.service.profiles.at(-1) ?? '');
    expect(openProfile(sealed, account?.profileKey ?? sealed)).toEqual({
      username: 'Alice',
      avatarHash: sha256(avatar),
    });
    await client.profiles.set({ avatar: null });
    expect(client.service.avatars).toBe(0);
  });

  it('makes a new identity after the session ended: history stays, sessions and prekeys go', async () => {
    await using client = await accountClient();
    await client.register();
    const former = await client.account();
    const bob = '22222222-2222-4222-8222-222222222222' as UserId;
    const chatId = bob as string as ChatId;
    const message = { id: '33333333-3333-4333-8333-333333333333' as MessageId, nonce: new Uint8Array(16) };
    if (former === undefined) throw new Error('no account');
    await client.executor.run(['account'], (overlay) => {
      const now = client.clock.now();
      const place = { position: 0, seq: 0 };
      overlay.put('user', {
        id: bob,
        number: '',
        username: 'Bob',
        profileKey: undefined,
        profileKeyAt: undefined,
        avatarHash: undefined,
        returnsReceipts: true,
        blockedAt: undefined,
        createdAt: now,
        updatedAt: now,
      });
      overlay.put('chat', {
        id: chatId,
        userId: bob,
        groupId: undefined,
        accepted: true,
        identityPolicy: undefined,
        mutedUntil: undefined,
        receipts: undefined,
        nextSeq: 7,
        activity: 1,
        lastMessageId: message.id,
        unread: 0,
        readUpTo: place,
        createdAt: now,
        updatedAt: now,
      });
      overlay.put('session', { userId: bob, deviceId: former.deviceId, record: Uint8Array.of(1), chains: [] });
      overlay.put('message', {
        ...message,
        chatId,
        senderId: former.userId,
        senderDevice: former.deviceId,
        receiverId: bob,
        groupId: undefined,
        hasFiles: false,
        text: 'hi',
        unknownContent: undefined,
        seq: 6,
        position: 1,
        late: false,
        state: 'queued',
        createdAt: now,
        updatedAt: now,
        acceptedAt: undefined,
        expiresAt: undefined,
        recipients: undefined,
        revision: undefined,
        failure: undefined,
      });
      overlay.put('outbox', {
        id: 1,
        chatId,
        recipient: bob,
        groupId: undefined,
        messageId: message.id,
        kind: 'content',
        visible: true,
        content: Uint8Array.of(1),
        partId: undefined,
        createdAt: now,
        attempt: 0,
        sealed: undefined,
      });
      overlay.put('account', { ...former, ended: true });
    });
    const before = await client.store.prekeys();
    await client.register();
    const account = await client.account();
    expect(account?.userId).not.toBe(former.userId);
    expect(account?.ended).toBe(false);
    const after = await client.store.prekeys();
    expect(after).toHaveLength(202);
    expect(after.some(({ record }) => before.some((old) => Buffer.compare(old.record, record) === 0))).toBe(false);
    expect(await client.store.get('session', { userId: bob, deviceId: former.deviceId })).toBeUndefined();
    expect(await client.store.get('chat', { id: chatId })).toMatchObject({ nextSeq: 1 });
    expect(await client.store.get('message', message)).toMatchObject({
      text: 'hi',
      state: 'failed',
      failure: 'session-ended',
    });
    expect(await client.store.outboxChats()).toEqual([]);
    await until(() => client.published.flat().some(({ fact }) => fact.type === 'message.failed'));
  });

  it('does not believe a relay that made another account', async () => {
    await using client = await accountClient();
    const other = '22222222-2222-4222-8222-222222222222';
    client.service.lose = ({ path }) =>
      path === '/v1/registrations'
        ? { json: { userId: other, deviceId: 1, accessToken: 'x', accessExpiresInMs: 1 } }
        : undefined;
    await expect(client.register()).rejects.toMatchObject({ code: 'relay-misbehaved' });
    expect(await client.account()).toBeUndefined();
  });
});
