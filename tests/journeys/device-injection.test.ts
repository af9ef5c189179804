import { PrivateKey } from '@signalapp/libsignal-client';
import { DeviceList, fromBase64Url, SignedDeviceList, signedBytesOfDeviceList, toBase64Url } from '@sotto/proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from './journey-world.ts';
import { type DeviceAnswer, LyingFetch } from './lying-fetch.ts';
import { failureOf, type Person } from './person.ts';
import { TappedSockets } from './tapped-sockets.ts';

let world: JourneyWorld;

beforeAll(async () => {
  world = await JourneyWorld.open({ stores: 'memory' });
});

afterAll(() => world[Symbol.asyncDispose]());

/** Somebody whose relay may lie to them, and whose sends are seen. */
async function deceived() {
  const lying = new LyingFetch();
  // What leaves with a sealed sender leaves beside the sockets.
  const tapped = new TappedSockets(() => world.watch.changed());
  const platform = { fetch: lying.fetch, sockets: tapped.factory };
  const person = await world.person({ sealedSender: false, platform });
  return { lying, tapped, person };
}

const forks = (person: Person) => person.events.filter(({ type }) => type === 'device-list.forked').length;

/** Somebody's account on another phone: the one before is revoked. */
async function recovered(person: Person): Promise<Person> {
  const next = await world.nextPhone(person);
  await next.register({ recoveryKey: person.client.recoveryKey() });
  await next.live();
  await world.watch.until(() => person.client.connection === 'ended');
  return next;
}

function listIn(answer: DeviceAnswer): SignedDeviceList {
  return SignedDeviceList.decode(fromBase64Url(String(answer.deviceList)));
}

function resigned({ list }: Pick<SignedDeviceList, 'list'>, rootKey: PrivateKey) {
  const signature = rootKey.sign(new Uint8Array(signedBytesOfDeviceList(list)));
  return { list, signature, rootKey: rootKey.getPublicKey().serialize() };
}

/** The same answer with one more device, on a list that somebody signs. Its keys are the first one's, or the relay's own. */
function withAnotherDevice(answer: DeviceAnswer, rootKey: PrivateKey, ownKeys: boolean): DeviceAnswer {
  const list = DeviceList.decode(listIn(answer).list);
  const [first] = list.devices;
  const longer = DeviceList.encode({ ...list, devices: [first ?? {}, { ...first, deviceId: 2 }] });
  const signed = SignedDeviceList.encode(resigned({ list: longer }, rootKey));
  const [bundle] = (answer.bundles ?? []) as readonly Record<string, Record<string, unknown>>[];
  const publicKey = toBase64Url(PrivateKey.generate().getPublicKey().serialize());
  const injected = {
    ...bundle,
    deviceId: 2,
    ...(ownKeys && bundle && { signedPrekey: { ...bundle.signedPrekey, publicKey } }),
  };
  return { ...answer, deviceList: toBase64Url(signed), ...(bundle && { bundles: [bundle, injected] }) };
}

/** The devices that a person's sends were sealed for. */
function devicesSentTo({ sends }: TappedSockets): readonly number[] {
  return sends.flatMap(({ recipients }) =>
    recipients.flatMap(({ devices }) => (devices ?? []).map(({ deviceId }) => deviceId ?? 0)),
  );
}

describe('a relay that lies about somebody’s devices  [security: device-injection]', () => {
  it('adds one with keys of its own: no message is sealed for it', async () => {
    const { lying, tapped, person: bob } = await deceived();
    const alice = await world.person();
    lying.lie = (_, answer) => withAnotherDevice(answer, PrivateKey.generate(), true);
    const message = await bob.say(alice, 'for one device', 'queued');
    expect(await bob.told('message.failed', message)).toMatchObject({ code: 'bundle-invalid' });
    expect(devicesSentTo(tapped)).toEqual([]);
    lying.lie = (_, answer) => answer;
    await bob.say(alice, 'for one device, again');
    await alice.received('for one device, again');
    expect(new Set(devicesSentTo(tapped))).toEqual(new Set([1]));
  });

  it('shows another list than the one that a first message names: nothing leaves until it shows that one', async () => {
    const { lying, tapped, person: bob } = await deceived();
    const alice = await world.person();
    // Its keys are good, as if the relay had them: the list alone is wrong.
    lying.lie = (_, answer) => withAnotherDevice(answer, PrivateKey.generate(), false);
    await alice.say(bob, 'hello');
    await bob.received('hello');
    const chat = await bob.chat(alice);
    await chat.send('to whom?');
    await world.watch.until(() => forks(bob) === 1);
    const failure = await failureOf(chat.send('to nobody'));
    expect(failure).toMatchObject({ code: 'device-list-forked', retryable: true });
    expect(failure.retryAfterMs).toBeGreaterThan(0);
    expect(devicesSentTo(tapped)).toEqual([]);
    lying.lie = (_, answer) => answer;
    await bob.say(alice, 'to you');
    await alice.received('to you');
    await alice.received('to whom?');
    expect(new Set(devicesSentTo(tapped))).toEqual(new Set([1]));
    expect(forks(bob)).toBe(1);
  });

  it('hides that a phone was replaced: the old one gets nothing more', async () => {
    const { lying, tapped, person: bob } = await deceived();
    const alice = await world.person();
    await exchange(bob, alice);
    const chat = await bob.chat(alice);
    // What the relay said of the old phone, to be said again.
    const [old] = lying.truths.values();
    const next = await recovered(alice);
    lying.lie = (path, answer) => (path.endsWith('/bundles') ? old : { deviceList: old?.deviceList }) ?? answer;
    const sentBefore = tapped.sends.length;

    await next.say(bob, 'from the next phone');
    await bob.received('from the next phone');
    await world.watch.until(() => forks(bob) === 1);
    expect(await failureOf(chat.send('secret'))).toMatchObject({ code: 'device-list-forked' });
    expect(tapped.sends.slice(sentBefore)).toEqual([]);

    lying.lie = (_, answer) => answer;
    await chat.send('for the next phone');
    await next.received('for the next phone');
    const registrations = new Set(
      tapped.sends
        .slice(sentBefore)
        .flatMap(({ recipients }) =>
          recipients.flatMap(({ devices }) => (devices ?? []).map(({ registrationId }) => registrationId)),
        ),
    );
    const account = await next.observed.store().get('account', {});
    expect(registrations).toEqual(new Set([account?.registrationId]));
    expect(forks(bob)).toBe(1);
  });

  it.each([
    ['under another root key', (list: SignedDeviceList) => resigned(list, PrivateKey.generate())],
    ['badly signed', (list: SignedDeviceList) => ({ ...list, signature: new Uint8Array(64) })],
  ])('gives a list %s: it is refused, and no message leaves', async (_, forge) => {
    const { lying, tapped, person: bob } = await deceived();
    const alice = await world.person();
    await exchange(bob, alice);
    const next = await recovered(alice);
    const sentBefore = tapped.sends.length;
    lying.lie = (__, answer) => ({
      ...answer,
      deviceList: toBase64Url(SignedDeviceList.encode(forge(listIn(answer)))),
    });
    await next.say(bob, 'I have another phone');
    await bob.received('I have another phone');
    const message = await bob.say(alice, 'congratulations', 'queued');
    expect(await bob.told('message.failed', message)).toMatchObject({ code: 'device-list-invalid' });
    expect(tapped.sends.slice(sentBefore)).toEqual([]);
  });
});
