import { RelayError } from '../src/relay-error.ts';

/** Cuts a node off from everything that it is given: after `cut` its calls are never answered and do nothing, as it is for one that has died. */
export class NodePower {
  #isCut = false;
  readonly #waiting: ((error: unknown) => void)[] = [];
  #isEnded = false;

  /** The same object, or bundle of objects, for the node. */
  over<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, name) => {
        const value: unknown = Reflect.get(object, name, object);
        if (typeof value === 'function') {
          return (...args: unknown[]) => (this.#isCut ? this.#silence() : value.apply(object, args));
        }
        return typeof value === 'object' && value !== null && !Array.isArray(value) ? this.over(value) : value;
      },
    });
  }

  cut(): void {
    this.#isCut = true;
  }

  /** Everything that waits is refused, so that what is left of the node comes to its end. */
  end(): void {
    this.#isEnded = true;
    for (const refuse of this.#waiting.splice(0)) refuse(gone());
  }

  #silence(): Promise<never> {
    if (this.#isEnded) return Promise.reject(gone());
    return new Promise((_, reject) => this.#waiting.push(reject));
  }
}

function gone(): RelayError {
  return new RelayError('store-unavailable', 'This node has died.');
}
