import type { NodeHandler } from '../ports/node-link.ts';

/** One message that a handler was given. */
export interface DeskCall {
  readonly from: string;
  readonly message: Uint8Array;
  readonly signal: AbortSignal;
  answer(answer: Uint8Array): void;
  fail(): void;
  /** Resolves when the signal has ended. */
  readonly givenUp: Promise<void>;
}

/** A handler that answers when a case says so. */
export class NodeDesk {
  readonly calls: DeskCall[] = [];
  #awaited: { readonly count: number; readonly reached: () => void }[] = [];

  readonly handler: NodeHandler = (from, message, { signal }) =>
    new Promise((resolve, reject) => {
      const givenUp = new Promise<void>((ended) => signal.addEventListener('abort', () => ended()));
      const fail = () => reject(new Error('the handler was told to fail'));
      this.calls.push({ from, message: message.slice(), signal, answer: resolve, fail, givenUp });
      this.#awaited = this.#awaited.filter(({ count, reached }) => {
        if (this.calls.length >= count) reached();
        return this.calls.length < count;
      });
    });

  /** The call with this place, counted from 0, as soon as it has come. */
  async call(index: number): Promise<DeskCall> {
    if (this.calls.length <= index) {
      await new Promise<void>((reached) => this.#awaited.push({ count: index + 1, reached }));
    }
    const call = this.calls[index];
    if (call === undefined) throw new Error(`there is no call ${index}`);
    return call;
  }
}
