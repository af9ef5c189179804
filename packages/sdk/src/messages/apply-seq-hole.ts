import { chatOfGroup, chatWith } from '../chats/chat-state.ts';
import { Hold } from '../crypto/hold.ts';
import { type Applied, type Arrival, nothingDue } from './arrival.ts';
import { closeGaps } from './ordering.ts';

const largestHole = 256;

/** Applies the announcement of numbers that will never come. */
export async function applySeqHole(arrival: Arrival): Promise<Applied> {
  const seqs = arrival.content.seqHole?.seqs ?? [];
  if (seqs.length === 0 || seqs.length > largestHole) throw new Hold('content-invalid');
  const { overlay, sender, group } = arrival;
  const chatId = group ? chatOfGroup(group.groupId) : chatWith(sender.userId);
  if ((await overlay.get('chat', { id: chatId })) === undefined) return nothingDue;
  const streamKey = { chatId, ...sender };
  const stream = (await overlay.get('stream', streamKey)) ?? { ...streamKey, highest: 0, gaps: [] };
  overlay.put('stream', closeGaps(stream, seqs, overlay.nextPosition()));
  return nothingDue;
}
