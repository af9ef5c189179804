import { describe, expect, it } from 'vitest';
import { PrivateKey } from '#libsignal';
import { type GroupPeer, groupOfPeers } from '../../test/group-peer.ts';
import { sha256 } from '../../test/test-device.ts';
import { rootKeyOf } from '../accounts/recovery-key.ts';
import { memberOf } from '../groups/group-state.ts';
import { ownListOf, stateOf } from '../groups/stored-group.ts';
import { SottoError } from '../sotto-error.ts';
import { signDeviceList } from './device-list.ts';
import { noteRevocation } from './group-notes.ts';
import { nextList } from './next-list.ts';

/** A list with another identity key, as after a revocation. */
async function revoke({ device }: GroupPeer): Promise<void> {
  const { account, executor, clock } = device;
  if (account.rootSecret === undefined) throw new Error('they have no root key');
  const before = ownListOf(account, sha256);
  const identityKey = PrivateKey.generate().getPublicKey().serialize();
  const next = nextList(before, { devices: before.devices, identityKey, createdAt: clock.now() });
  Object.assign(account, { deviceList: signDeviceList(next, rootKeyOf(account.rootSecret)) });
  await executor.run([], (overlay) => overlay.put('account', { ...account }));
}

async function scene() {
  const { relay, owner, groupId, wireId } = await groupOfPeers(3);
  await revoke(owner);
  const { store, account } = owner.device;
  const note = () => noteRevocation({ store, changes: owner.work.changes, sha256 }, account);
  const records = () => relay.of(wireId).records.length;
  const state = async () => {
    const read = stateOf(await owner.group(groupId));
    if (read === undefined) throw new Error('nobody is left');
    return read;
  };
  const noted = async () => memberOf(await state(), owner.userId)?.deviceListVersion;
  return { relay, owner, groupId, note, records, state, noted };
}

describe('a revocation, in groups  [security: device-injection]', () => {
  it('is noted once, however often the list is taken over', async () => {
    const { note, records, noted, state } = await scene();
    await Promise.all([note(), note()]);
    await note();
    expect([records(), await noted(), await state()]).toMatchObject([2, 2, { rekeyDue: true, keyEpoch: 1 }]);
  });

  it('is noted once when the answer to it was lost, and the client begun again', async () => {
    const { relay, owner, note, records, noted } = await scene();
    relay.after = (name) => {
      if (name !== 'POST records') return;
      relay.after = () => undefined;
      throw new SottoError('relay-unreachable', 'the answer is lost');
    };
    await expect(note()).rejects.toMatchObject({ code: 'relay-unreachable' });
    await owner.stop();
    owner.restart();
    await note();
    expect([records(), await noted()]).toEqual([2, 2]);
  });

  it('comes before any other change under the new list, which would hide it: that one is under a new key', async () => {
    const { owner, groupId, note, records, state } = await scene();
    await owner.change(groupId, { type: 'set-title', title: 'Divers' });
    expect([records(), await state()]).toMatchObject([3, { title: 'Divers', keyEpoch: 2, rekeyDue: false }]);
    await note();
    expect(records()).toBe(3);
  });
});
