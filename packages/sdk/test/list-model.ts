import { type Content, SignedDeviceList } from '@sotto/proto';
import fc from 'fast-check';
import { PrivateKey } from '#libsignal';
import { defaultPlatform } from '#platform';
import type { Overlay } from '../src/crypto/overlay.ts';
import { sameBytes } from '../src/crypto/same-bytes.ts';
import { acceptDeviceList } from '../src/devices/accept-device-list.ts';
import { checkSuccession, signDeviceList, verifyDeviceList } from '../src/devices/device-list.ts';
import { checkAgainstNamed, noteNamedList, tellingForks } from '../src/devices/named-list.ts';
import type { DeviceId } from '../src/ports/ids.ts';
import type { DeviceListRecord } from '../src/ports/user-record.ts';
import { SottoError } from '../src/sotto-error.ts';
import { userIdOf } from './numbered-uuid.ts';
import { type OpenExecutor, openExecutor } from './open-executor.ts';

const { sha256 } = defaultPlatform();
const userId = userIdOf(1);
const latest = 6;

/** A signed list, and what a message by its devices says of it. */
interface ModelList {
  readonly version: number;
  readonly signed: Uint8Array;
  readonly hash: Uint8Array;
  readonly identityKey: Uint8Array;
}

/** A chain of lists under a root key, following others; where devices are revoked the identity key changes with version 4. */
function chainOf(rootKey: PrivateKey, revokes: boolean, before: readonly ModelList[] = []): readonly ModelList[] {
  const lists = [...before];
  const keys = [0, 1].map(() => PrivateKey.generate().getPublicKey().serialize());
  for (let version = lists.length + 1; version <= latest; version++) {
    const identityKey = keys[version < 4 || !revokes ? 0 : 1] ?? new Uint8Array();
    const device = { deviceId: 1 as DeviceId, registrationId: version, deviceKey: identityKey };
    const previousHash = lists.at(-1)?.hash ?? new Uint8Array();
    const list = { userId, version, previousHash, createdAt: 5, identityKey, devices: [device] };
    const signed = signDeviceList(list, rootKey);
    lists.push({ version, signed, hash: sha256(SignedDeviceList.decode(signed).list), identityKey });
  }
  return lists;
}

type Chain = 'honest' | 'forked' | 'foreign' | 'broken';
type Chains = { readonly [Name in Chain]: readonly ModelList[] };

/** All that the relay can show: what there is, another one under the same root key from version 3 on, one under a key of its own, and what nobody has signed. */
function chainsOf(revokes: boolean): Chains {
  const root = PrivateKey.generate();
  const honest = chainOf(root, revokes);
  return {
    honest,
    forked: chainOf(root, revokes, honest.slice(0, 2)),
    foreign: chainOf(PrivateKey.generate(), revokes),
    broken: honest.map((list) => ({ ...list, signed: list.signed.with(-70, (list.signed.at(-70) ?? 0) ^ 1) })),
  };
}

const steady = chainsOf(false);
const revoking = chainsOf(true);

/** What a run is like. */
export interface ListWorld {
  /** The relay's friends have the root key, and lists of their own under it. */
  readonly stolen: boolean;
  /** A device is revoked with version 4, and the identity key replaced: late words come under the former one. */
  readonly revokes: boolean;
}

/** One step: the owner changes the list, the relay shows one, or a message comes. */
export interface ListCommand {
  readonly kind: 'change' | 'show' | 'message' | 'false-message';
  readonly contact: number;
  readonly chain: Chain;
  readonly version: number;
}

/** Runs of up to 25 steps. */
export function listCommands({ stolen }: ListWorld): fc.Arbitrary<readonly ListCommand[]> {
  const chain = stolen
    ? fc.constantFrom<Chain>('honest', 'forked', 'foreign', 'broken')
    : fc.constantFrom<Chain>('honest', 'honest', 'foreign', 'broken');
  const kinds = [
    'change',
    'show',
    'show',
    'show',
    'message',
    'message',
    ...(stolen ? (['false-message'] as const) : []),
  ] as const;
  const command = fc.record({
    kind: fc.constantFrom(...kinds),
    contact: fc.nat(2),
    chain,
    version: fc.integer({ min: 1, max: latest }),
  });
  return fc.array(command, { maxLength: 25, size: 'max' });
}

/** How a list is taken over: what is tested, or the same with a hole. */
export type AcceptList = (overlay: Overlay, signed: Uint8Array) => Promise<unknown>;

/** As the SDK does it. */
export const acceptAsIs: AcceptList = (overlay, signed) => acceptDeviceList(overlay, signed, userId, sha256);

/** With no look at what is known. */
export const acceptAnything: AcceptList = async (overlay, signed) => {
  const list = verifyDeviceList(signed, userId, sha256);
  await checkAgainstNamed(overlay, list);
  const { rootKey, version, hash } = list;
  overlay.put('deviceList', { userId, rootKey, version, hash, signed, begunAnew: false });
};

/** With a look at the root key alone. */
export const acceptAnyVersion: AcceptList = async (overlay, signed) => {
  const known = await overlay.get('deviceList', { userId });
  const list = verifyDeviceList(signed, userId, sha256);
  if (known === undefined || sameBytes(known.rootKey, list.rootKey)) await acceptAnything(overlay, signed);
};

/** With no ear for what the owner says. */
export const acceptUnheard: AcceptList = async (overlay, signed) => {
  const list = verifyDeviceList(signed, userId, sha256);
  checkSuccession(await overlay.get('deviceList', { userId }), list);
  const { rootKey, version, hash } = list;
  overlay.put('deviceList', { userId, rootKey, version, hash, signed, begunAnew: false });
  overlay.delete('namedList', { userId });
};

interface Contact extends OpenExecutor {
  /** What the owner has told it. */
  words: readonly ModelList[];
}

/** Contacts of one account, whose lists a malicious relay shows them. It throws what none of them must come to. */
export class ListModel {
  readonly #accept: AcceptList;
  readonly #world: ListWorld;
  readonly #contacts: Contact[] = [];
  #version = 1;
  /** How many lists were taken over, and how often nothing could be sent since the owner had named another one. */
  accepted = 0;
  blocked = 0;

  constructor(accept: AcceptList, world: ListWorld) {
    this.#accept = accept;
    this.#world = world;
  }

  async run(steps: readonly ListCommand[]): Promise<void> {
    for (let count = 0; count < 3; count++) this.#contacts.push({ ...(await openExecutor()), words: [] });
    for (const step of steps) await this.#step(step);
    // From here on the relay is honest: who has pinned the true root key comes to the true list, unless another one speaks under it, too.
    if (this.#world.stolen) return;
    for (const contact of this.#contacts) await this.#settle(contact);
  }

  async #step({ kind, contact: number, chain, version }: ListCommand): Promise<void> {
    const contact = this.#contacts[number];
    if (contact === undefined) return;
    if (kind === 'change') this.#version = Math.min(latest, this.#version + 1);
    // What the owner has not made yet nobody can show, and a message can be an old one.
    else if (kind === 'show')
      await this.#show(contact, this.#listOf(chain, chain === 'honest' ? Math.min(version, this.#version) : version));
    else if (kind === 'message')
      await this.#hear(contact, this.#listOf('honest', Math.min(version, this.#version)), true);
    else await this.#hear(contact, this.#listOf('forked', version), false);
  }

  async #show(contact: Contact, list: ModelList): Promise<void> {
    const before = await knownOf(contact);
    try {
      await tellingForks(contact.executor, userId, () =>
        contact.executor.run([userId], (overlay) => this.#accept(overlay, list.signed)),
      );
    } catch (error) {
      if (!(error instanceof SottoError)) throw error;
      await this.#check(contact, before);
      return;
    }
    this.accepted++;
    await this.#check(contact, before);
  }

  async #hear(contact: Contact, list: ModelList, isTrue: boolean): Promise<void> {
    const before = await knownOf(contact);
    const content = { deviceListVersion: list.version, deviceListHash: list.hash } as Content;
    await contact.executor.run([userId], (overlay) => noteNamedList(overlay, userId, content, list.identityKey));
    if (isTrue) contact.words = [...contact.words, list];
    await this.#check(contact, before);
  }

  /** What holds of a contact at any time. */
  async #check(contact: Contact, before: DeviceListRecord | undefined): Promise<void> {
    const known = await knownOf(contact);
    if (known === undefined) return;
    if (before !== undefined) {
      if (!sameBytes(before.rootKey, known.rootKey)) throw new Error('another root key was believed');
      if (known.version < before.version) throw new Error('a list was rolled back');
      if (known.version === before.version && !sameBytes(known.hash, before.hash))
        throw new Error('a list was exchanged');
    }
    if ((await contact.store.get('namedList', { userId })) !== undefined) {
      this.blocked++;
      return;
    }
    if (this.#world.stolen || !this.#isTrue(known)) return;
    const denied = contact.words.some(
      ({ version, hash }) => version > known.version || (version === known.version && !sameBytes(hash, known.hash)),
    );
    if (denied) throw new Error('something would be sent to devices of which the owner has said otherwise');
  }

  #listOf(chain: Chain, version: number): ModelList {
    const list = (this.#world.revokes ? revoking : steady)[chain][version - 1];
    if (list === undefined) throw new Error('there is no such list');
    return list;
  }

  /** Whether it is the owner's: whoever pins another root key at first sight is lost. */
  #isTrue({ version, hash }: DeviceListRecord): boolean {
    return sameBytes(hash, this.#listOf('honest', version).hash);
  }

  async #settle(contact: Contact): Promise<void> {
    const known = await knownOf(contact);
    if (known !== undefined && !this.#isTrue(known)) return;
    const list = this.#listOf('honest', this.#version);
    await this.#hear(contact, list, true);
    await this.#show(contact, list);
    const end = await knownOf(contact);
    const isBlocked = (await contact.store.get('namedList', { userId })) !== undefined;
    if (end?.version !== list.version || isBlocked) throw new Error('an honest list is not taken over');
  }
}

function knownOf({ store }: Contact): Promise<DeviceListRecord | undefined> {
  return store.get('deviceList', { userId });
}

/** One run of the model with a way to take lists over, which may have a hole. */
export function listProperty(accept: AcceptList, world: ListWorld, onRun?: (model: ListModel) => void) {
  return fc.asyncProperty(listCommands(world), async (steps) => {
    const model = new ListModel(accept, world);
    await model.run(steps);
    onRun?.(model);
  });
}
