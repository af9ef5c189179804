import { chatWith } from '../chats/chat-state.ts';
import { Hold } from '../crypto/hold.ts';
import { type Applied, type Arrival, nothingDue } from './arrival.ts';
import { closeGaps } from './ordering.ts';

const largestHole = 256;

/** Applies the announcement of numbers that will never come. */
export async function applySeqHole(arrival: Arrival): Promise<Applied> {
  const seqs = arrival.content.seqHole?.seqs ?? [];
  if (seqs.length === 0 || seqs.length > largestHole) throw new Hold('content-invalid');
  const streamKey = { chatId: chatWith(arrival.sender.userId), ...arrival.sender };
  const stream = await arrival.overlay.get('stream', streamKey);
  if (stream !== undefined) arrival.overlay.put('stream', closeGaps(stream, seqs));
  return nothingDue;
}
