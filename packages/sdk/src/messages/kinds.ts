import type { Content } from '@sotto/proto';
import { applySync } from '../sync/apply-sync.ts';
import { applyAccountNotice } from './apply-account-notice.ts';
import { applyDistribution } from './apply-distribution.ts';
import { applyGroupKeyRequest, applyGroupKeys } from './apply-group-keys.ts';
import { applyGroupPoke } from './apply-group-poke.ts';
import { applyGroupWelcome } from './apply-group-welcome.ts';
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
  groupWelcome: applyGroupWelcome,
  groupKeys: applyGroupKeys,
  groupKeyRequest: applyGroupKeyRequest,
  groupPoke: applyGroupPoke,
  senderKeyDistribution: applyDistribution,
  sync: applySync,
};

/** How to apply a content. */
export function applyOf(content: Content): ApplyContent {
  return content.body === undefined ? applyUnknown : kinds[content.body];
}
