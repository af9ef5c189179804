import { foretold } from '../promises/chat-witness.ts';
import { SeededRandom } from '../seeded-random.ts';
import { WorldTemplate } from '../world/world-template.ts';

const names = ['Ann', 'Bea', 'Cid'];

/** The beginnings of schedules: three people who know each other's numbers, and the same three after they have talked. */
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

function makeTemplate(talk: boolean): Promise<WorldTemplate> {
  return WorldTemplate.make(new SeededRandom('relay key').bytes(32), { seed: 'template' }, async (world) => {
    for (const name of names) await world.user(name);
    const { users } = world;
    for (const user of users) {
      for (const other of users) {
        if (user === other) continue;
        const chat = await user.client.chats.with(other.number);
        if (talk) await chat.send(`${foretold}${user.name} to ${other.name}`);
      }
    }
    await world.settle();
  });
}
