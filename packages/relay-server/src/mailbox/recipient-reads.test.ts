import { describe, expect, it } from 'vitest';
import type { StoredDeviceList } from '../ports/account-store.ts';
import type { UserId } from '../ports/ids.ts';
import { type RecipientAccounts, RecipientReads } from './recipient-reads.ts';

const alice = '00000000-0000-4000-8000-00000000000a' as UserId;
const bob = '00000000-0000-4000-8000-00000000000b' as UserId;

const none = new Uint8Array();

/** Accounts whose lists and hashes have a new version at each reading. */
function countingAccounts(): RecipientAccounts & { readonly read: string[] } {
  const read: string[] = [];
  return {
    read,
    deviceList: (userId) => {
      const version = read.push(`list ${userId}`);
      return Promise.resolve<StoredDeviceList>({
        version,
        signed: none,
        hash: none,
        rootKey: none,
        identityKey: none,
        devices: [],
      });
    },
    accessKeyHash: (userId) => Promise.resolve(Uint8Array.of(read.push(`hash ${userId}`))),
  };
}

function readsOf(accounts: RecipientAccounts, came: number): RecipientReads {
  const reads = new RecipientReads(accounts);
  for (let count = 0; count < came; count++) reads.came();
  return reads;
}

describe('readings of recipients', () => {
  it('serve all sends that had come in when they began', async () => {
    const accounts = countingAccounts();
    const reads = readsOf(accounts, 3);
    for (let count = 0; count < 3; count++) {
      reads.begin();
      expect(await reads.deviceList(bob)).toMatchObject({ version: 1 });
      expect(await reads.accessKeyHash(bob)).toEqual(Uint8Array.of(2));
    }
    expect(accounts.read).toEqual([`list ${bob}`, `hash ${bob}`]);
  });

  it('serve no send that came in later, not even while they are under way', async () => {
    const accounts = countingAccounts();
    const reads = readsOf(accounts, 1);
    reads.begin();
    const first = reads.deviceList(bob);
    reads.came();
    reads.begin();
    const second = reads.deviceList(bob);
    expect(await first).toMatchObject({ version: 1 });
    expect(await second).toMatchObject({ version: 2 });
  });

  it('are made anew for those that came meanwhile, once for all of them', async () => {
    const accounts = countingAccounts();
    const reads = readsOf(accounts, 1);
    reads.begin();
    await reads.deviceList(bob);
    for (let count = 0; count < 5; count++) reads.came();
    for (let count = 0; count < 5; count++) {
      reads.begin();
      expect(await reads.deviceList(bob)).toMatchObject({ version: 2 });
    }
  });

  it('are of one account each', async () => {
    const accounts = countingAccounts();
    const reads = readsOf(accounts, 2);
    reads.begin();
    await reads.deviceList(alice);
    reads.begin();
    await reads.deviceList(bob);
    expect(accounts.read).toEqual([`list ${alice}`, `list ${bob}`]);
  });

  it('fail for all that they serve, and for nobody after them', async () => {
    const accounts = countingAccounts();
    let isDown = true;
    const reads = readsOf(
      {
        ...accounts,
        deviceList: (userId) => (isDown ? Promise.reject(new Error('down')) : accounts.deviceList(userId)),
      },
      2,
    );
    for (let count = 0; count < 2; count++) {
      reads.begin();
      await expect(reads.deviceList(bob)).rejects.toThrow('down');
    }
    isDown = false;
    reads.came();
    reads.begin();
    expect(await reads.deviceList(bob)).toMatchObject({ version: 1 });
  });

  it('are kept no longer than sends wait that they may serve, though sends never cease', async () => {
    const reads = readsOf(countingAccounts(), 3);
    for (let count = 0; count < 100; count++) {
      const someone = `00000000-0000-4000-8000-${String(count).padStart(12, '0')}` as UserId;
      reads.came();
      reads.begin();
      await Promise.all([reads.deviceList(someone), reads.accessKeyHash(someone)]);
      // Of this send, and of the three before it: they began when as many waited.
      expect(reads.size).toBeLessThanOrEqual(8);
    }
  });

  it('are not kept when no send waits', async () => {
    const accounts = countingAccounts();
    const reads = readsOf(accounts, 2);
    reads.begin();
    await reads.deviceList(bob);
    reads.clear();
    reads.begin();
    expect(await reads.deviceList(bob)).toMatchObject({ version: 2 });
  });
});
