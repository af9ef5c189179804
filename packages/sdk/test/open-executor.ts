import { MemoryDisk } from '../src/adapters/memory/memory-disk.ts';
import { memoryStore } from '../src/adapters/memory/memory-store.ts';
import { StoreExecutor } from '../src/crypto/executor.ts';
import type { EventRecord } from '../src/ports/event-records.ts';
import type { StoreOpening } from '../src/ports/store.ts';
import type { ClientStep } from '../src/ports/tracer.ts';
import { MovingClock } from './moving-clock.ts';
import { type WatchedStore, watchedStore } from './watched-store.ts';

/** An executor on a watched memory store. */
export interface OpenExecutor {
  readonly disk: MemoryDisk;
  readonly store: WatchedStore;
  readonly opening: StoreOpening;
  readonly executor: StoreExecutor;
  readonly clock: MovingClock;
  /** What was told after each commit. */
  readonly published: (readonly EventRecord[])[];
  readonly steps: ClientStep[];
  /** Also told of events. */
  readonly listeners: Set<(events: readonly EventRecord[]) => void>;
}

/** Opens a disk: a new one, unless one is given. */
export async function openExecutor(disk = new MemoryDisk(), clock = new MovingClock()): Promise<OpenExecutor> {
  const opened = await memoryStore(disk).open();
  const store = watchedStore(opened.store);
  const published: (readonly EventRecord[])[] = [];
  const steps: ClientStep[] = [];
  const listeners = new Set<(events: readonly EventRecord[]) => void>();
  const executor = new StoreExecutor({
    store,
    opening: opened.opening,
    clock,
    tracer: { reached: (step) => steps.push(step) },
    onEvents: (events) => {
      published.push(events);
      for (const listener of listeners) listener(events);
    },
  });
  return { disk, store, opening: opened.opening, executor, clock, published, steps, listeners };
}
