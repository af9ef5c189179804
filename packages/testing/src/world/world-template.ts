import type { MemoryRelayDisk } from '@sotto/relay-server/memory';
import type { MemoryDisk } from '@sotto/sdk';
import { copyDisk } from './copy-disk.ts';
import { testWorld, World } from './world.ts';
import type { UserOptions, WorldOptions } from './world-options.ts';

/**
 * A world that was, to make any number of worlds from: making accounts is dear, copying them is not.
 *
 * Worlds of one template have the same accounts and keys, and share nothing else.
 */
export class WorldTemplate {
  readonly #relayDisk: MemoryRelayDisk;
  readonly #relayKey: Uint8Array;
  readonly #now: number;
  readonly #people: readonly { readonly name: string; readonly number: string; readonly disk: MemoryDisk }[];

  private constructor(world: World, relayKey: Uint8Array) {
    this.#relayDisk = world.relay.disk.copy();
    this.#relayKey = relayKey;
    this.#now = world.time.now();
    this.#people = world.users.map(({ name, number, disk }) => ({ name, number, disk: copyDisk(disk) }));
  }

  /** Makes a world, lets `prepare` put people and what they say into it, and ends it. */
  static async make(
    relayKey: Uint8Array,
    options: Omit<WorldOptions, 'relayKey'>,
    prepare: (world: World) => Promise<void>,
  ): Promise<WorldTemplate> {
    const world = await testWorld({ ...options, relayKey });
    await prepare(world);
    await world[Symbol.asyncDispose]();
    return new WorldTemplate(world, relayKey);
  }

  /** A new world in which the relay has what it had and does not run, and everybody has what they had and is not open. */
  async world(options: Omit<WorldOptions, 'relayKey' | 'relayDisk' | 'now'>, user: UserOptions = {}): Promise<World> {
    const relayDisk = this.#relayDisk.copy();
    const world = new World({ ...options, relayDisk, relayKey: this.#relayKey, now: this.#now });
    for (const { name, number, disk } of this.#people) {
      await world.user(name, { ...user, number, disk: copyDisk(disk), open: false });
    }
    return world;
  }
}
