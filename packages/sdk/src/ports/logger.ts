/** Fields of a log line. No plaintext, key, token or phone number ever stands in one. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** Where the client reports what went on in the background. Silent by default. */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
