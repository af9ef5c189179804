import { describe, expect, it } from 'vitest';
import { PrivateKey } from '#libsignal';
import { randomness, sha256, testDevice } from '../../test/test-device.ts';
import { rootKeyOf } from '../accounts/recovery-key.ts';
import { rootSecretOf } from '../accounts/standing.ts';
import { type ListedDevice, signDeviceList, verifyDeviceList } from './device-list.ts';
import { formatLink, type LinkRequestCode, parseLink } from './link-code.ts';
import { freshDeviceId, nextList } from './next-list.ts';
import { openProvision, type Provision, sealProvision } from './provision.ts';

const invalid = expect.objectContaining({ code: 'link-invalid' });

/** A new device with its code, and what an account leaves for it. */
async function linking(more: Partial<ListedDevice> = {}) {
  const { account } = await testDevice();
  const device = PrivateKey.generate();
  const code: LinkRequestCode = {
    linkId: randomness.bytes(16),
    deviceKey: device.getPublicKey().serialize(),
    registrationId: 7,
    secret: randomness.bytes(16),
    name: 'Tablet',
  };
  const before = verifyDeviceList(account.deviceList, account.userId, sha256);
  const { deviceKey, registrationId } = code;
  const added = { deviceId: freshDeviceId(before), registrationId, deviceKey, ...more };
  const next = nextList(before, { devices: [...before.devices, added], createdAt: 1 });
  const provision: Provision = {
    userId: account.userId,
    number: '+14155550101',
    username: account.username,
    profileKey: account.profileKey,
    identityKeyPair: account.identityKeyPair,
    deviceList: signDeviceList(next, rootKeyOf(rootSecretOf(account))),
    deviceId: freshDeviceId(before),
    code: randomness.bytes(32),
  };
  return { account, device, code, provision };
}

describe('the code of a new device', () => {
  it('is read as it was written, with white space around it', async () => {
    const { code } = await linking();
    expect(formatLink(code)).toMatch(/^sotto-link:[\w-]+$/);
    expect(parseLink(` ${formatLink(code)}\n`)).toEqual(code);
  });

  it('is refused when it is cut, changed into another kind, or nothing of ours  [security: linking-phishing]', async () => {
    const text = formatLink((await linking()).code);
    const others = ['', 'sotto-link:', 'sotto-link:AAAA', text.slice(0, -8), text.replace('link', 'group'), `${text}=`];
    for (const other of [...others, `sotto-link:${'A'.repeat(2_000)}`]) expect(() => parseLink(other)).toThrow(invalid);
    expect(() => parseLink(undefined as never)).toThrow(invalid);
  });

  it.each([
    ['a short link id', { linkId: new Uint8Array(15) }],
    ['a key that is none', { deviceKey: new Uint8Array(33) }],
    ['no secret', { secret: new Uint8Array() }],
    ['registration id 0', { registrationId: 0 }],
    ['a name with a line end', { name: 'two\nlines' }],
    ['no name', { name: '' }],
  ])('is refused with %s', async (_, change) => {
    const { code } = await linking();
    expect(() => parseLink(formatLink({ ...code, ...change }))).toThrow(invalid);
  });
});

describe('what is left for a new device', () => {
  it('is opened by that device', async () => {
    const { device, code, provision } = await linking();
    const opened = openProvision(sealProvision(provision, code), code, device, sha256);
    expect(opened.provision).toEqual(provision);
    expect(opened.list.devices).toHaveLength(2);
  });

  it('is refused from whoever has not seen the code: not even the relay may bring a device into another account  [security: linking-phishing]', async () => {
    const { device, code, provision } = await linking();
    const guessed = { ...code, secret: new Uint8Array(16) };
    expect(() => openProvision(sealProvision(provision, guessed), code, device, sha256)).toThrow(invalid);
    const elsewhere = { ...code, linkId: new Uint8Array(16) };
    expect(() => openProvision(sealProvision(provision, elsewhere), code, device, sha256)).toThrow(invalid);
    expect(() => openProvision(sealProvision(provision, code), code, PrivateKey.generate(), sha256)).toThrow(invalid);
  });

  it('is refused with any byte changed', async () => {
    const { device, code, provision } = await linking();
    const sealed = sealProvision(provision, code);
    for (let at = 0; at < sealed.length; at += 7) {
      const changed = sealed.with(at, (sealed[at] ?? 0) ^ 1);
      expect(() => openProvision(changed, code, device, sha256)).toThrow(invalid);
    }
  });

  it('is refused when its list does not name this very device, or its identity key is another', async () => {
    const other = (await testDevice()).account;
    for (const more of [{ registrationId: 8 }, { deviceKey: PrivateKey.generate().getPublicKey().serialize() }]) {
      const { device, code, provision } = await linking(more);
      expect(() => openProvision(sealProvision(provision, code), code, device, sha256)).toThrow(invalid);
    }
    const { account, device, code, provision } = await linking();
    const wrong: readonly Partial<Provision>[] = [
      { identityKeyPair: other.identityKeyPair },
      { userId: other.userId },
      { deviceId: account.deviceId },
      { deviceList: account.deviceList },
      { deviceList: other.deviceList },
      { code: new Uint8Array(31) },
      { profileKey: new Uint8Array() },
      { number: '0' },
      { username: '' },
    ];
    for (const change of wrong) {
      const sealed = sealProvision({ ...provision, ...change }, code);
      expect(() => openProvision(sealed, code, device, sha256)).toThrow(invalid);
    }
  });
});
