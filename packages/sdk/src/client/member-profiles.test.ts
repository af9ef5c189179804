import { describe, expect, it } from 'vitest';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { ManualTime } from '../../test/manual-time.ts';
import { logger, randomness } from '../../test/test-device.ts';
import { settled, until } from '../../test/turn-of-events.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { newUser } from '../people/blocked.ts';
import type { UserId } from '../ports/ids.ts';
import { SottoError } from '../sotto-error.ts';
import { MemberProfiles, profileRate } from './member-profiles.ts';

/** What the relay says of a profile, in place of the person's name. */
type Answer = (userId: UserId, profileKey: Uint8Array) => void;

class Scene {
  readonly asked: UserId[] = [];
  readonly time = new ManualTime();
  readonly failures: unknown[] = [];
  readonly alice: GroupPerson;
  readonly others: readonly GroupPerson[];
  readonly profiles: MemberProfiles;
  answer: Answer = () => undefined;
  /** How many were asked for at the same time, at most. */
  atOnce = 0;
  #underWay = 0;

  constructor({ people }: GroupWorld) {
    const [alice, ...others] = people as [GroupPerson, ...GroupPerson[]];
    this.alice = alice;
    this.others = others;
    const { executor, store, listeners } = alice.device;
    this.profiles = new MemberProfiles({
      executor,
      store,
      clock: this.time,
      timers: this.time,
      logger,
      onFailure: (error) => this.failures.push(error),
      profiles: {
        fetchProfile: async (userId, profileKey) => {
          this.asked.push(userId);
          this.atOnce = Math.max(this.atOnce, ++this.#underWay);
          await settled(2);
          this.#underWay--;
          this.answer(userId, profileKey);
          const { account } = this.#device(userId);
          if (!sameBytes(account.profileKey, profileKey)) throw doesNotOpen();
          return { username: account.username, avatarHash: undefined };
        },
      },
    });
    listeners.add((events) => this.profiles.committed(events));
  }

  static async of(count: number): Promise<Scene> {
    return new Scene(await GroupWorld.of(count));
  }

  /** Resolves when nothing goes on by itself any more. */
  async rest(): Promise<void> {
    for (let before = -1; before !== this.asked.length; ) {
      before = this.asked.length;
      await settled(40);
    }
    expect(this.failures).toEqual([]);
  }

  async names(): Promise<readonly (string | undefined)[]> {
    const { store } = this.alice.device;
    return Promise.all(
      this.others.map(async ({ device }) => (await store.get('user', { id: device.account.userId }))?.username),
    );
  }

  realNames(): readonly string[] {
    return this.others.map(({ device }) => device.account.username);
  }

  #device(userId: UserId) {
    const found = this.others.find(({ device }) => device.account.userId === userId);
    if (found === undefined) throw new Error('nobody is called so');
    return found.device;
  }
}

const doesNotOpen = () => new SottoError('relay-misbehaved', 'the profile does not open');

describe('the names of members who have not written', () => {
  it('are learned one after the other once the client is connected, and told', async () => {
    const scene = await Scene.of(5);
    await scene.rest();
    expect(scene.asked).toEqual([]);
    scene.profiles.setLive(true);
    await scene.rest();
    expect(await scene.names()).toEqual(scene.realNames());
    expect([scene.asked.length, scene.atOnce]).toEqual([4, 1]);
    const told = scene.alice.device.published.flat().filter(({ fact }) => fact.type === 'profile.changed');
    expect(told).toHaveLength(4);
    scene.profiles.setLive(true);
    await scene.rest();
    expect(scene.asked).toHaveLength(4);
    await scene.profiles.stop();
  });

  it('are asked for no faster than the rate, whatever comes meanwhile', async () => {
    const scene = await Scene.of(profileRate.burst + 8);
    scene.profiles.setLive(true);
    await scene.rest();
    expect(scene.asked).toHaveLength(profileRate.burst);
    scene.profiles.setLive(true);
    await scene.rest();
    expect(scene.asked).toHaveLength(profileRate.burst);
    scene.time.advance(1_000);
    await scene.rest();
    expect(scene.asked.length).toBeLessThanOrEqual(profileRate.burst + profileRate.perSecond);
    for (let second = 0; second < 10; second++) {
      scene.time.advance(1_000);
      await scene.rest();
    }
    expect(await scene.names()).toEqual(scene.realNames());
    await scene.profiles.stop();
  });

  it('are learned of who comes later', async () => {
    const world = await GroupWorld.of(2);
    const late = await world.newcomer();
    const scene = new Scene(world);
    scene.profiles.setLive(true);
    await scene.rest();
    expect(scene.asked).toHaveLength(1);
    await world.know({ revision: 2, members: world.people }, [scene.alice]);
    const { groupId, chatId } = world;
    await scene.alice.device.executor.run([], (overlay) =>
      overlay.record({ type: 'group.changed', chatId, groupId, revision: 2, by: undefined, changes: [] }),
    );
    await until(() => scene.asked.length === 2);
    expect(scene.asked[1]).toBe(late.device.account.userId);
    await scene.rest();
    expect(await scene.names()).toEqual(scene.realNames());
    await scene.profiles.stop();
  });

  it('are asked for again after a while when the relay can not be asked, and not while there is no connection', async () => {
    const scene = await Scene.of(4);
    scene.answer = () => {
      throw new SottoError('rate-limited', 'too fast', { retryable: true, retryAfterMs: 60_000 });
    };
    scene.profiles.setLive(true);
    await scene.rest();
    expect(scene.asked).toHaveLength(1);
    scene.answer = () => undefined;
    scene.time.advance(59_999);
    await scene.rest();
    expect(scene.asked).toHaveLength(1);
    scene.profiles.setLive(false);
    scene.time.advance(1);
    await scene.rest();
    expect(scene.asked).toHaveLength(1);
    scene.profiles.setLive(true);
    await scene.rest();
    expect(await scene.names()).toEqual(scene.realNames());
    await scene.profiles.stop();
  });

  it('that do not open are let be, and the others are learned; with another key they are asked for again', async () => {
    const scene = await Scene.of(4);
    const [first] = scene.others as [GroupPerson];
    const { account } = first.device;
    const stale = { ...newUser(account.userId, 1), profileKey: randomness.bytes(32) };
    await scene.alice.device.executor.run([], (overlay) => overlay.put('user', stale));
    scene.profiles.setLive(true);
    await scene.rest();
    const changed = { type: 'group.changed', revision: 1, by: undefined, changes: [] } as const;
    const groups = await scene.alice.device.store.groups(undefined, 1);
    const groupId = groups[0]?.id;
    if (groupId === undefined) throw new Error('there is a group');
    const tell = () =>
      scene.alice.device.executor.run([], (overlay) =>
        overlay.record({ ...changed, groupId, chatId: groupId as never }),
      );
    await tell();
    await scene.rest();
    expect(scene.asked).toHaveLength(3);
    expect(await scene.names()).toEqual(['', ...scene.realNames().slice(1)]);
    await scene.alice.device.executor.run([], (overlay) =>
      overlay.put('user', { ...stale, profileKey: account.profileKey }),
    );
    await tell();
    await scene.rest();
    expect(await scene.names()).toEqual(scene.realNames());
    await scene.profiles.stop();
  });

  it.each(['relay-url-invalid', 'relay-misbehaved', 'user-unknown'] as const)(
    'are let be when the relay answers %s: a name is nothing to fail for',
    async (code) => {
      const scene = await Scene.of(3);
      scene.answer = () => {
        throw new SottoError(code, 'no name');
      };
      scene.profiles.setLive(true);
      await scene.rest();
      expect([scene.asked.length, await scene.names()]).toEqual([2, [undefined, undefined]]);
      await scene.profiles.stop();
    },
  );

  it('of who is blocked are not asked for; a stop leaves no timer', async () => {
    const scene = await Scene.of(2);
    const [bob] = scene.others as [GroupPerson];
    const blocked = { ...newUser(bob.device.account.userId, 1), blockedAt: 1 };
    await scene.alice.device.executor.run([], (overlay) => overlay.put('user', blocked));
    scene.profiles.setLive(true);
    await scene.rest();
    expect(scene.asked).toEqual([]);
    await scene.profiles.stop();
    expect(scene.time.pending).toBe(0);
  });
});
