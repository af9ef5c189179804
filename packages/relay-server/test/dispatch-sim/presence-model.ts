import type { Holder } from '../../src/ports/presence.ts';

/** Redis as far as presence goes: who holds which device, what was there before, and a primary that forgets. */
export class PresenceModel {
  readonly #now = new Map<string, Holder>();
  readonly #before = new Map<string, Holder | undefined>();
  #epochs = 0;

  claim(device: string, node: string): { readonly epoch: string; readonly previous: Holder | undefined } {
    const epoch = this.newEpoch();
    return { epoch, previous: this.put(device, { node, epoch }) };
  }

  newEpoch(): string {
    this.#epochs++;
    return `e${this.#epochs}`;
  }

  put(device: string, holder: Holder): Holder | undefined {
    const previous = this.#now.get(device);
    this.#before.set(device, previous);
    this.#now.set(device, holder);
    return previous;
  }

  read(device: string): Holder | undefined {
    return this.#now.get(device);
  }

  /** From a replica that lags. */
  readStale(device: string): Holder | undefined {
    return this.#before.get(device);
  }

  release(device: string, epoch: string): void {
    if (this.#now.get(device)?.epoch !== epoch) return;
    this.#before.set(device, this.#now.get(device));
    this.#now.delete(device);
  }

  /** All keys are gone. */
  wipe(repeatEpochs: boolean): void {
    this.#now.clear();
    this.#before.clear();
    if (repeatEpochs) this.#epochs = 0;
  }

  /** A replica that lagged became the primary: the last write of each device is undone. */
  rollback(): void {
    for (const [device, before] of this.#before) {
      if (before === undefined) this.#now.delete(device);
      else this.#now.set(device, before);
    }
  }
}
