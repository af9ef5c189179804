import { pino } from 'pino';
import type { LogLevel } from '../../config/relay-config.ts';
import type { LogFields, Logger } from '../../ports/logger.ts';

/** Where log lines go. */
export interface LogSink {
  write(line: string): void;
}

/** Logs as JSON lines by pino: level, time, event and fields; to standard error unless told otherwise. */
export function pinoLogger(level: LogLevel, sink?: LogSink): Logger {
  const options = {
    level,
    base: null,
    messageKey: 'event',
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  const log = sink === undefined ? pino(options, pino.destination({ dest: 2, sync: true })) : pino(options, sink);
  const write = (at: 'debug' | 'info' | 'warn' | 'error') => (event: string, fields?: LogFields) =>
    log[at](fields ?? {}, event);
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
