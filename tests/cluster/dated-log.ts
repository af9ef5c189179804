import type { Clock, LogRecord, MailLog } from '@sotto/relay-server/ports';

const header = 'test-time';

/** A log whose records have the time of a clock, and not that of its brokers: they don't go by the time that journeys move. */
export function datedLog(log: MailLog, clock: Clock): MailLog {
  return {
    append: (topic, key, value, headers = {}) =>
      log.append(topic, key, value, { ...headers, [header]: Buffer.from(String(clock.now())) }),
    consume: (options, handlers) =>
      log.consume(options, {
        assigned: (assignment) => handlers.assigned(assignment),
        revoked: (assignment, how) => handlers.revoked(assignment, how),
        records: (assignment, records) => handlers.records(assignment, records.map(dated)),
        skipped: (assignment, gap) => handlers.skipped(assignment, gap),
        failed: (error) => handlers.failed(error),
      }),
    committed: (group, topic) => log.committed(group, topic),
    deleteBefore: (topic, position) => log.deleteBefore(topic, position),
    describe: (topic) => log.describe(topic),
    close: () => log.close(),
  };
}

function dated(record: LogRecord): LogRecord {
  const time = record.headers[header];
  return time === undefined ? record : { ...record, appendedAt: Number(Buffer.from(time).toString()) };
}
