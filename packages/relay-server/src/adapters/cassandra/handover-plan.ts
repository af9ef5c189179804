import type { UserId } from '../../ports/ids.ts';
import type { TokenEnd } from '../../ports/token-store.ts';

/** What a handover is to change, written down with it, so that anybody can finish it. Bytes are in hex. */
export interface HandoverPlan {
  readonly begunAt: number;
  /** Who has a number before and after; null is nobody. */
  readonly numbers: readonly { readonly mac: string; readonly before: UserId | null; readonly after: UserId | null }[];
  /** The account that comes to be, with its devices' incarnations and the key of its request. */
  readonly coming?: { readonly userId: UserId; readonly incarnations: readonly string[]; readonly claim: string };
  readonly ending?: { readonly userId: UserId; readonly reason: TokenEnd; readonly at: number };
  /** The account that gets another number. */
  readonly moving?: { readonly userId: UserId; readonly mac: string; readonly ciphertext: string };
  /** By which the end is known. */
  readonly receipt?: string;
}

/** A handover as it stands. */
export interface HandoverRow {
  readonly status: 'pending' | 'committed' | 'aborted';
  readonly plan: HandoverPlan;
}
