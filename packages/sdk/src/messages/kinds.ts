import type { Content } from '@sotto/proto';
import { applyAccountNotice } from './apply-account-notice.ts';
import { applyReceipt } from './apply-receipt.ts';
import { applySeqHole } from './apply-seq-hole.ts';
import { applyText, applyUnknown } from './apply-visible.ts';
import type { ApplyContent } from './arrival.ts';

/** Every kind of content that this version knows: a new kind is a file and a line here. */
const kinds: { readonly [Kind in NonNullable<Content['body']>]: ApplyContent } = {
  text: applyText,
  receipt: applyReceipt,
  seqHole: applySeqHole,
  accountNotice: applyAccountNotice,
  // Read and checked by groups/; nothing is done with them before the client has groups.
  groupWelcome: applyUnknown,
  groupKeys: applyUnknown,
  groupKeyRequest: applyUnknown,
  senderKeyDistribution: applyUnknown,
  sync: applyUnknown,
};

/** How to apply a content. */
export function applyOf(content: Content): ApplyContent {
  return content.body === undefined ? applyUnknown : kinds[content.body];
}
