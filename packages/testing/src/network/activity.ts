/** Counts what happens, so that a world can tell when nothing does any more. */
export class Activity {
  #count = 0;
  #underWay = 0;

  /** Something happened. */
  note(): void {
    this.#count++;
  }

  /** Something began that takes turns of the event loop until it ends. */
  begin(): () => void {
    this.#count++;
    this.#underWay++;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#count++;
      this.#underWay--;
    };
  }

  /** How much has happened so far. */
  get count(): number {
    return this.#count;
  }

  /** Whether something that was begun has not ended. */
  get isUnderWay(): boolean {
    return this.#underWay > 0;
  }
}
