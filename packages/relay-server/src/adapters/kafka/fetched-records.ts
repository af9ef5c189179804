import { IS_CONTROL, type RecordsBatch } from '@platformatic/kafka';
import type { LogHeaders, LogRecord } from '../../ports/mail-log.ts';

/** Of a batch's attributes: its time is the broker's (LogAppendTime), and that of all its records. */
const isAppendTime = 1 << 3;

/**
 * The records of fetched batches from a position on, and where reading goes on.
 *
 * A batch is given whole, also when the position is inside it. Control batches (the ends of transactions) have offsets, but no records.
 * The client leaves the type of timestamps alone (`protocol/records.js`), so that with LogAppendTime its own `message.timestamp` is what the producer claims; here it is the broker's.
 */
export function fetchedRecords(
  batches: readonly RecordsBatch[],
  position: number,
): { readonly records: readonly LogRecord[]; readonly next: number } {
  const records: LogRecord[] = [];
  let next = position;
  for (const batch of batches) {
    const first = Number(batch.firstOffset);
    next = Math.max(next, first + batch.lastOffsetDelta + 1);
    if (batch.attributes & IS_CONTROL) continue;
    for (const { offsetDelta, key, value, headers, timestampDelta } of batch.records) {
      const offset = first + offsetDelta;
      if (offset < position) continue;
      const at = batch.attributes & isAppendTime ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta;
      records.push({
        offset,
        key: bytesOf(key),
        value: bytesOf(value),
        headers: headersOf(headers),
        appendedAt: Number(at),
      });
    }
  }
  return { records, next };
}

function headersOf(headers: RecordsBatch['records'][number]['headers']): LogHeaders {
  return Object.fromEntries(headers.map(([name, value]) => [name?.toString() ?? '', bytesOf(value)]));
}

/** A copy: the client's bytes are views of the whole answer, which one record in flight would keep in memory. */
function bytesOf(bytes: Buffer | null): Uint8Array {
  return new Uint8Array(bytes ?? []);
}
