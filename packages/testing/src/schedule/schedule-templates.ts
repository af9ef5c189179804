import type { DeviceAddress, PrekeyStore } from '@sotto/relay-server/ports';
import { foretold } from '../promises/chat-witness.ts';
import { SeededRandom } from '../seeded-random.ts';
import type { WrapStores } from '../world/world-relay.ts';
import { WorldTemplate } from '../world/world-template.ts';
import type { WorldUser } from '../world/world-user.ts';

const names = ['Ann', 'Bea', 'Cid'];

/** The beginnings of schedules: three people who know each other's numbers, and the same three after they have talked and one has made a group of them. */
export class ScheduleTemplates {
  readonly #acquainted: WorldTemplate;
  readonly #talking: WorldTemplate;

  private constructor(acquainted: WorldTemplate, talking: WorldTemplate) {
    this.#acquainted = acquainted;
    this.#talking = talking;
  }

  static async make(): Promise<ScheduleTemplates> {
    const [acquainted, talking] = [await makeTemplate(false), await makeTemplate(true)];
    return new ScheduleTemplates(acquainted, talking);
  }

  /** Which one a seed begins with. */
  of(seed: number): WorldTemplate {
    return seed % 2 === 0 ? this.#acquainted : this.#talking;
  }
}

/** One-time keys of each kind that are left of the hundred: above what makes a client refill. Worlds with fewer keys are copied and read faster. */
const keysLeft = 35;

function makeTemplate(talk: boolean): Promise<WorldTemplate> {
  let prekeys: PrekeyStore | undefined;
  const wrapStores: WrapStores = (stores) => {
    prekeys = stores.prekeys;
    return stores;
  };
  const options = { seed: 'template', wrapStores };
  return WorldTemplate.make(new SeededRandom('relay key').bytes(32), options, async (world) => {
    for (const name of names) await world.user(name);
    const { users } = world;
    for (const user of users) if (prekeys !== undefined) await useKeysUp(user, prekeys);
    for (const user of users) {
      for (const other of users) {
        if (user === other) continue;
        const chat = await user.client.chats.with(other.number);
        if (talk) await chat.send(`${foretold}${user.name} to ${other.name}`);
      }
    }
    const [first, ...others] = users;
    const members = others.flatMap(({ client: { account } }) => (account === undefined ? [] : [account.userId]));
    if (talk) await first?.client.groups.create({ title: 'Everybody', members });
    await world.settle();
  });
}

/** As if others had taken and used most of a user's one-time keys. */
async function useKeysUp({ client, disk }: WorldUser, prekeys: PrekeyStore): Promise<void> {
  const device = client.account as DeviceAddress | undefined;
  if (device === undefined) return;
  for (let { ec } = await prekeys.left(device); ec > keysLeft; ec--) {
    const taken = await prekeys.take(device);
    for (const [key, { kind, id }] of disk.tables.prekey) {
      if ((kind === 'ec' && id === taken?.prekey?.id) || (kind === 'kyber' && id === taken?.kyberPrekey.id)) {
        disk.tables.prekey.delete(key);
      }
    }
  }
}
