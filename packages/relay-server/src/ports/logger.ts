/** What may stand in a log line: no address, number, token, name, id or content, and nothing that a client chose. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** Structured, levelled logs. */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
