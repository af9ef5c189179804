import type { Nodes } from '../../ports/nodes.ts';

/** The nodes of one process. */
export class MemoryNodes implements Nodes {
  readonly #until = new Map<string, number>();

  async announce(node: string, until: number): Promise<void> {
    this.#until.set(node, until);
  }

  async others(node: string, now: number): Promise<readonly string[]> {
    for (const [name, until] of this.#until) if (until <= now) this.#until.delete(name);
    return [...this.#until.keys()].filter((name) => name !== node);
  }

  async leave(node: string): Promise<void> {
    this.#until.delete(node);
  }
}
