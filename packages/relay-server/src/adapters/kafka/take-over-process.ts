import { writeSync } from 'node:fs';
import { FetchedOffsets } from '../../dispatch/fetched-offsets.ts';
import type { LogConsumer } from '../../ports/mail-log.ts';
import { KafkaMailLog } from './mail-log.ts';

// Reads a topic as a dispatcher does, and commits after each batch, until it is killed or stopped. Says what it does, a line each.
const [brokers = '', topic = '', group = ''] = process.argv.slice(2);

/** Synchronous, so that what was said before the end is known to the other process. */
function say(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

const log = new KafkaMailLog({ kafka: { brokers: brokers.split(',') }, sessionMs: 6000, heartbeatMs: 300 });
const marks = new Map<string, FetchedOffsets>();
let consumer: LogConsumer | undefined;

consumer = await log.consume(
  { group, topics: [topic], maxRecords: 10, drainMs: 1000 },
  {
    assigned: ({ id, start }) => {
      marks.set(id, new FetchedOffsets());
      say({ assigned: start });
    },
    revoked: async ({ id }, how) => {
      marks.delete(id);
      say({ revoked: how });
    },
    records: async (assignment, records) => {
      const mark = marks.get(assignment.id);
      for (const { offset } of records) {
        mark?.fetched(offset);
        say({ read: offset });
      }
      for (const { offset } of records) mark?.resolved(offset);
      const offset = mark?.watermark() ?? assignment.start;
      const outcome = await consumer?.commit(assignment, offset);
      say({ outcome, offset });
    },
    skipped: (_, gap) => say({ gap }),
    failed: ({ code }) => say({ failed: code }),
  },
);
say({ joined: true });
