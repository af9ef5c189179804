import type { DeviceAddress, DeviceId, UserId } from '../../ports/ids.ts';
import type { EcPrekey } from '../../ports/prekey-store.ts';
import { joined } from '../joined.ts';
import { copyOfGroup } from './group-state.ts';
import { emptyState, type MemoryState, type OneTimeKeys } from './memory-state.ts';

/** One envelope that waits in a mailbox, as an operator would find it on a disk. */
export interface StoredMail {
  readonly device: DeviceAddress;
  /** Hexadecimal. */
  readonly deliveryKey: string;
  /** An encoded Envelope. */
  readonly envelope: Uint8Array;
  readonly acceptedAt: number;
  readonly expiresAt: number;
}

/**
 * What a relay in memory keeps beyond its end: the disk of a relay that has none.
 *
 * A relay that is started on the disk of another finds its accounts, keys, tokens, mail, recorded results and blobs.
 */
export class MemoryRelayDisk {
  constructor(from?: MemoryRelayDisk) {
    states.set(this, from === undefined ? emptyState() : copyOf(stateOf(from)));
  }

  /** A disk of its own with the same data: neither sees what the other one changes from now on. */
  copy(): MemoryRelayDisk {
    return new MemoryRelayDisk(this);
  }

  /** All mail that waits, expired mail that was not swept yet included: oldest first for each device. */
  mail(): readonly StoredMail[] {
    return [...stateOf(this).mail].flatMap(([key, records]) => {
      const device = deviceOf(key);
      return records.map(({ deliveryKey, envelope, shared, acceptedAt, expiresAt }) => ({
        device,
        deliveryKey,
        envelope: joined(envelope, shared),
        acceptedAt,
        expiresAt,
      }));
    });
  }
}

const states = new WeakMap<MemoryRelayDisk, MemoryState>();

/** What the adapters work on. */
export function stateOf(disk: MemoryRelayDisk): MemoryState {
  const state = states.get(disk);
  if (state === undefined) throw new TypeError('this is no MemoryRelayDisk: make one with its constructor');
  return state;
}

function deviceOf(key: string): DeviceAddress {
  const dot = key.lastIndexOf('.');
  return { userId: key.slice(0, dot) as UserId, deviceId: Number(key.slice(dot + 1)) as DeviceId };
}

/** Records that are only ever replaced are shared by both; those that change are copied. */
function copyOf(state: MemoryState): MemoryState {
  return {
    accounts: mapped(state.accounts, (account) => ({ ...account })),
    endedUsers: new Set(state.endedUsers),
    deletionReceipts: new Set(state.deletionReceipts),
    unswept: new Map(state.unswept),
    userByNumber: new Map(state.userByNumber),
    userByRegistration: new Map(state.userByRegistration),
    verifications: mapped(state.verifications, (record) => ({ ...record })),
    incarnations: new Map(state.incarnations),
    prekeys: mapped(state.prekeys, (keys) => ({ ...keys, ec: keysOf(keys.ec), kyber: keysOf(keys.kyber) })),
    joins: new Map(state.joins),
    seenDays: new Map(state.seenDays),
    idle: new Set(state.idle),
    keyless: new Set(state.keyless),
    refreshTokens: mapped(state.refreshTokens, (record) => ({ ...record })),
    accessTokens: new Map(state.accessTokens),
    endedTokens: mapped(state.endedTokens, (record) => ({ ...record })),
    mail: mapped(state.mail, (records) => [...records]),
    lastMail: state.lastMail,
    receipts: mapped(state.receipts, (receipt) => ({ ...receipt, results: new Map(receipt.results) })),
    groups: mapped(state.groups, copyOfGroup),
    groupAvatars: new Map(state.groupAvatars),
    blobs: new Map(state.blobs),
  };
}

function keysOf<Key extends EcPrekey>({ left, taken }: OneTimeKeys<Key>): OneTimeKeys<Key> {
  return { left: new Map(left), taken: new Map(taken) };
}

function mapped<Key, Value>(map: ReadonlyMap<Key, Value>, copy: (value: Value) => Value): Map<Key, Value> {
  return new Map([...map].map(([key, value]) => [key, copy(value)]));
}
