import { describe, expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers } from '../../test/group-peer.ts';
import { sha256 } from '../../test/test-device.ts';
import { rootKeyOf } from '../accounts/recovery-key.ts';
import { rootSecretOf } from '../accounts/standing.ts';
import { signDeviceList, verifyDeviceList } from '../devices/device-list.ts';
import { nextList } from '../devices/next-list.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';
import type { DeviceId } from '../ports/ids.ts';
import { writeKeyRequest } from './group-keys.ts';

const title = (text: string) => ({ type: 'set-title', title: text }) as const;
const asked = async (peer: GroupPeer, others: readonly GroupPeer[]) => {
  const waiting = await Promise.all(others.map((other) => peer.waitingFor(other)));
  return waiting.map((kinds) => kinds.filter((kind) => kind === 'groupKeyRequest').length);
};

type Six = [GroupPeer, GroupPeer, GroupPeer, GroupPeer, GroupPeer, GroupPeer];

/** Six people, of whom the last lacks the key of the second epoch. */
async function waiting() {
  const { owner, others, ...rest } = await groupOfPeers(7);
  // The order of ids is not that of roles.
  const [gone, one, two, three, admin, last] = others as Six;
  const { groupId } = rest;
  await owner.change(groupId, { type: 'set-role', userId: admin.userId, role: 'admin' });
  for (const other of others) await other.follow(groupId);
  await owner.change(groupId, { type: 'remove-members', userIds: [gone.userId] });
  await owner.change(groupId, title('Under a new key'));
  await last.follow(groupId);
  return { ...rest, owner, admin, plain: [one, two, three], last, gone };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Lets what is due be asked for. */
async function ask({ device, timers, work }: GroupPeer, after: number): Promise<void> {
  device.clock.advance(after);
  work.start();
  for (let turns = 0; turns < 50; turns++) await turn();
  timers.runAll();
  for (let turns = 0; turns < 50; turns++) await turn();
}

describe('state keys that are missing', () => {
  it('are waited for, then asked of the owner and the admins first, three at a time, ever more rarely', async () => {
    const { owner, admin, plain, last, groupId } = await waiting();
    const people = [owner, admin, ...plain];
    await ask(last, 0);
    expect(await asked(last, people)).toEqual([0, 0, 0, 0, 0]);
    await ask(last, 5_000);
    expect(await asked(last, people)).toEqual([1, 1, 1, 0, 0]);
    await ask(last, 1_000);
    expect(await asked(last, people)).toEqual([1, 1, 1, 0, 0]);
    await ask(last, 15_000);
    expect(await asked(last, people)).toEqual([2, 1, 1, 1, 1]);
    expect((await last.group(groupId)).waitingFor).toMatchObject({ asked: 6 });
    await last.stop();
  });

  it('are asked of the own other devices, too: nobody else may be left in the group', async () => {
    const { owner, admin, last, plain } = await waiting();
    const { account } = last.device;
    const list = verifyDeviceList(account.deviceList, account.userId, sha256);
    const [device] = list.devices;
    if (device === undefined) throw new Error('it is on its list');
    const other = { ...device, deviceId: 2 as DeviceId, registrationId: device.registrationId + 1 };
    const next = nextList(list, { devices: [device, other], createdAt: 2 });
    Object.assign(account, { deviceList: signDeviceList(next, rootKeyOf(rootSecretOf(account))) });
    await ask(last, 5_000);
    expect(await asked(last, [last, owner, admin, ...plain])).toEqual([1, 1, 1, 0, 0, 0]);
    await last.stop();
  });

  it('are asked for also when the clock was set back since the last look', async () => {
    const { owner, admin, last } = await waiting();
    await ask(last, -37 * 3_600_000);
    expect(await asked(last, [owner, admin])).toEqual([1, 1]);
    await ask(last, -37 * 3_600_000);
    expect(await asked(last, [owner, admin])).toEqual([2, 1]);
    await ask(last, 1_000);
    expect(await asked(last, [owner, admin])).toEqual([2, 1]);
    await last.stop();
  });

  it('are given to members, by those who opened something with them', async () => {
    const { owner, last, gone, plain, groupId } = await waiting();
    await ask(last, 5_000);
    await last.handTo(owner);
    await owner.handTo(last);
    expect(await last.group(groupId)).toMatchObject({ title: 'Under a new key', waitingFor: undefined });
    // One of the others has not read that far: they give nothing.
    const other = plain[0];
    if (other === undefined) throw new Error('there are others');
    await last.handTo(other);
    expect(await other.waitingFor(last)).toEqual([]);
    await gone.follow(groupId);
    expect(await gone.group(groupId)).toMatchObject({ standing: 'removed' });
    await last.stop();
  });

  it('are given to nobody who is no member, and not from before they came  [security: removed-member]', async () => {
    const { owner, gone, last, groupId, wireId } = await waiting();
    const keys = await owner.device.store.groupKeys(groupId);
    const fields = { groupKeyRequest: writeKeyRequest(wireId, keys) };
    const { executor, origin } = gone.device;
    await executor.run([], (overlay) => void addHiddenContent(overlay, origin(), owner.userId, fields, 0));
    await executor.run([], (overlay) => {
      addHiddenContent(overlay, origin(), owner.userId, { groupKeyRequest: writeKeyRequest(wireId, []) }, 0);
    });
    const before = await owner.waitingFor(gone);
    await gone.handTo(owner);
    expect(await owner.waitingFor(gone)).toEqual(before);
    expect(before).not.toContain('groupKeys');
    await last.stop();
  });
});
