import type { Logger } from '../ports/logger.ts';
import type { Tracer } from '../ports/tracer.ts';

/** Logs nothing. */
export function silentLogger(): Logger {
  const silent = () => undefined;
  return { debug: silent, info: silent, warn: silent, error: silent };
}

/** Traces nothing. */
export function silentTracer(): Tracer {
  return { reached: () => undefined };
}
