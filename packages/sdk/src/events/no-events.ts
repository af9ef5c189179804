import { clientStopped } from '../client-stopped.ts';
import type { SottoEvent } from './event.ts';

/** A stream that was asked for too late: it says so to whoever reads it. */
export async function* noEvents(): AsyncGenerator<SottoEvent, void, undefined> {
  yield* await Promise.reject<readonly SottoEvent[]>(clientStopped());
}
