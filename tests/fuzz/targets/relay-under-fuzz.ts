import { uuidToBytes } from '@sotto/proto';
import { JourneyWorld } from '../../journeys/journey-world.ts';
import type { Person } from '../../journeys/person.ts';

/** A relay with an attacker, who has an account, and two people who must not notice anything. */
export class RelayUnderFuzz implements AsyncDisposable {
  readonly world: JourneyWorld;
  readonly alice: Person;
  readonly bob: Person;
  /** The attacker's access token. */
  readonly token: string;
  readonly attackerId: string;
  /** Ids and hashes that the relay knows: inputs that name them get further. */
  readonly known: readonly Uint8Array[];

  private constructor(
    world: JourneyWorld,
    people: { readonly alice: Person; readonly bob: Person },
    account: { readonly token: string; readonly userId: string },
    known: readonly Uint8Array[],
  ) {
    this.world = world;
    this.alice = people.alice;
    this.bob = people.bob;
    this.token = account.token;
    this.attackerId = account.userId;
    this.known = known;
  }

  static async open(): Promise<RelayUnderFuzz> {
    const world = await JourneyWorld.open({ stores: 'memory' });
    const alice = await world.person();
    const bob = await world.person();
    const attacker = await world.person();
    await attacker.say(bob, 'hello');
    const account = await attacker.observed.store().get('account', {});
    const lists = await Promise.all(
      [alice, bob].map((person) =>
        person.observed
          .store()
          .get('account', {})
          .then((found) => found?.deviceList),
      ),
    );
    if (account === undefined) throw new Error('the attacker has no account');
    await attacker.stop();
    const ids = [alice, bob].map((person) => uuidToBytes(person.client.account?.userId ?? ''));
    const known = [...ids, uuidToBytes(account.userId), ...lists.filter((list) => list !== undefined)];
    return new RelayUnderFuzz(world, { alice, bob }, { token: account.accessToken, userId: account.userId }, known);
  }

  get url(): string {
    return this.world.url;
  }

  /** Two people still reach each other. */
  async stillServes(): Promise<void> {
    const text = `still here ${crypto.randomUUID()}`;
    await this.alice.say(this.bob, text);
    await this.bob.received(text);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.world[Symbol.asyncDispose]();
  }
}
