import type { SeqGap, StreamRecord } from '../ports/chat-record.ts';

/** How many gaps of one sender device are remembered; the oldest are forgotten first. */
export const gapsKept = 64;

/** Where a message of a sender device belongs. */
export interface Admission {
  readonly stream: StreamRecord;
  /** It belongs before one that came earlier: it is put at this position. */
  readonly latePosition: number | undefined;
  readonly late: boolean;
}

/**
 * Puts one message into the order of its sender device.
 *
 * `position` is the next free one: what comes in order gets it. A late one gets the position of the message that came after the gap, and sorts before it by its lower seq. A number that was not missing (a peer that was set back) is late at the end.
 */
export function admit(stream: StreamRecord, seq: number, position: number): Admission {
  if (seq === stream.highest + 1) return { stream: { ...stream, highest: seq }, latePosition: undefined, late: false };
  if (seq > stream.highest) {
    const gap: SeqGap = { from: stream.highest + 1, to: seq - 1, position };
    return {
      stream: { ...stream, highest: seq, gaps: [...stream.gaps, gap].slice(-gapsKept) },
      latePosition: undefined,
      late: false,
    };
  }
  const gap = stream.gaps.find(({ from, to }) => from <= seq && seq <= to);
  if (gap === undefined) return { stream, latePosition: undefined, late: true };
  const gaps = without(stream.gaps, seq).slice(-gapsKept);
  return { stream: { ...stream, gaps }, latePosition: gap.position, late: true };
}

/**
 * Takes numbers out of the order that will never come: those of gaps, and those ahead of what was seen, so that they don't make a gap later.
 *
 * `position` is the next free one: what is still missing before a number ahead is put there when it comes.
 */
export function closeGaps(stream: StreamRecord, seqs: readonly number[], position: number): StreamRecord {
  let { highest, gaps } = stream;
  for (const seq of [...seqs].sort((a, b) => a - b)) {
    if (seq <= highest) {
      gaps = without(gaps, seq);
    } else {
      if (seq > highest + 1) gaps = [...gaps, { from: highest + 1, to: seq - 1, position }];
      highest = seq;
    }
  }
  return { ...stream, highest, gaps: gaps.slice(-gapsKept) };
}

function without(gaps: readonly SeqGap[], seq: number): readonly SeqGap[] {
  return gaps.flatMap((gap) => {
    if (seq < gap.from || seq > gap.to) return [gap];
    const parts: SeqGap[] = [];
    if (gap.from < seq) parts.push({ ...gap, to: seq - 1 });
    if (seq < gap.to) parts.push({ ...gap, from: seq + 1 });
    return parts;
  });
}
