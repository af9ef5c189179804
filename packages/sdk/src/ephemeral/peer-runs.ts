import { toBase64Url } from '@sotto/proto';
import { ReplayWindow } from './replay-window.ts';
import type { SignalCipher } from './signal-cipher.ts';

/** How far a signal's time may be from this device's, either way, and for how long its run is remembered: what is older can't be shown again. */
export const freshFor = 600_000;
/** The most runs of one device that are remembered: nobody starts more often in that time. */
const mostRuns = 8;

/** One start of a peer's device: its key, and what came under it. */
export interface PeerRun {
  readonly cipher: SignalCipher;
  readonly window: ReplayWindow;
  lastHeard: number;
}

/** The runs of one device, under one secret. */
export class PeerRuns {
  private readonly runs = new Map<string, PeerRun>();

  /** The run with this name: known, or a new one that is not remembered yet. */
  find(run: Uint8Array, cipher: () => SignalCipher): PeerRun {
    return this.runs.get(toBase64Url(run)) ?? { cipher: cipher(), window: new ReplayWindow(), lastHeard: 0 };
  }

  /** Remembers a run from which something genuine came; whether there was room. */
  keep(run: Uint8Array, known: PeerRun, now: number): boolean {
    const name = toBase64Url(run);
    if (!this.runs.has(name)) {
      for (const [other, { lastHeard }] of this.runs) if (lastHeard + 2 * freshFor < now) this.runs.delete(other);
      if (this.runs.size >= mostRuns) return false;
      this.runs.set(name, known);
    }
    known.lastHeard = now;
    return true;
  }

  /** Whether nothing that it remembers could come again. */
  isIdle(now: number): boolean {
    return [...this.runs.values()].every(({ lastHeard }) => lastHeard + 2 * freshFor < now);
  }
}
