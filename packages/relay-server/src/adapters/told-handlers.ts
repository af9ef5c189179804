import type { LogHandlers } from '../ports/mail-log.ts';
import type { Timers } from '../ports/timers.ts';
import { RelayError } from '../relay-error.ts';
import { within } from './within.ts';

/** The handlers of a log's consumer, of which none rejects, and `revoked` ends in time: what goes wrong in them is told to `failed`. */
export function toldHandlers(handlers: LogHandlers, timers: Timers, drainMs: number): LogHandlers {
  const told = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (cause) {
      const message =
        "A handler of the log's records failed: what it has not committed comes again with the next owner.";
      handlers.failed(cause instanceof RelayError ? cause : new RelayError('internal', message, { cause }));
    }
  };
  return {
    assigned: (assignment) => handlers.assigned(assignment),
    skipped: (assignment, gap) => handlers.skipped(assignment, gap),
    failed: (error) => handlers.failed(error),
    records: (assignment, records) => told(() => handlers.records(assignment, records)),
    revoked: (assignment, how) =>
      told(async () => {
        if (await within(timers, drainMs, handlers.revoked(assignment, how))) return;
        const { topic, partition } = assignment;
        handlers.failed(
          new RelayError('internal', `Partition ${partition} of ${topic} was given away before its work had ended.`),
        );
      }),
  };
}
