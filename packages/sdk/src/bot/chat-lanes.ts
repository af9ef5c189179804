/** Runs tasks, those of one chat one after another, of several chats at once up to a bound. */
export class ChatLanes {
  private readonly atOnce: number;
  private readonly lanes = new Map<string, (() => Promise<void>)[]>();
  private readonly ready: string[] = [];
  private readonly waiting: (() => void)[] = [];
  private running = 0;
  private queued = 0;

  constructor(atOnce: number) {
    this.atOnce = atOnce;
  }

  /** Puts a task behind those of its chat. A task must not throw. */
  add(chat: string, task: () => Promise<void>): void {
    this.queued++;
    const lane = this.lanes.get(chat);
    if (lane === undefined) {
      this.lanes.set(chat, [task]);
      this.ready.push(chat);
      this.advance();
    } else {
      lane.push(task);
    }
  }

  /** Resolves when at most this many tasks are in hand. */
  async atMost(count: number): Promise<void> {
    while (this.queued > count) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private advance(): void {
    while (this.running < this.atOnce) {
      const chat = this.ready.shift();
      const task = chat === undefined ? undefined : this.lanes.get(chat)?.shift();
      if (chat === undefined || task === undefined) return;
      this.running++;
      task().finally(() => this.ended(chat));
    }
  }

  private ended(chat: string): void {
    this.running--;
    this.queued--;
    if (this.lanes.get(chat)?.length === 0) this.lanes.delete(chat);
    else this.ready.push(chat);
    for (const tell of this.waiting.splice(0)) tell();
    this.advance();
  }
}
