import { Send, type SendFields } from '@sotto/proto';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import { unnamedSealedFor } from '../sealed/own-certificate.ts';
import { isUnnamed } from '../sealed/unnamed-send.ts';
import type { SottoError, SottoErrorCode } from '../sotto-error.ts';

/** A sealed attempt without a result for this long is sealed anew. */
const sealedFor = 7 * 24 * 3_600_000;

/** What became of the wish to seal. */
export type SealOutcome =
  | {
      readonly status: 'sealed';
      readonly send: SendFields;
      readonly sendId: Uint8Array;
      /** Rows of other queues that bring what it takes to open this one: they are to leave first. */
      readonly keys?: readonly number[];
    }
  /** Sessions with the recipient's devices must be made first. */
  | { readonly status: 'needs-sessions' }
  /** The recipient's device list must be known first. */
  | { readonly status: 'needs-devices' }
  /** A certificate must be got first: the sender is not to be named. */
  | { readonly status: 'needs-certificate' }
  /** The group's log must be read first: it has gone on. */
  | { readonly status: 'needs-group' }
  /** It can't be sealed before something comes that nobody can be asked for. */
  | { readonly status: 'later' }
  /** It is not in the outbox any more. */
  | { readonly status: 'gone' }
  /** It belongs to a group that its recipient, or this user, is out of: it is given up for this reason, and those behind it go on. */
  | { readonly status: 'outside'; readonly code: SottoErrorCode }
  /** It could not be sealed, and those behind it were not tried. */
  | { readonly status: 'failed'; readonly error: SottoError };

/** What of a record says how to seal it. */
export type SealableRecord = Pick<OutboxRecord, 'id' | 'chatId' | 'recipient' | 'groupId' | 'sealed'>;

/** Makes Sends of rows of the outbox. How they leave is none of its business. */
export interface RowSealer<Row extends SealableRecord = SealableRecord> {
  /**
   * Gives the sealed attempts of rows of one queue, in their order. It ends early at the first that can't be sealed.
   * @throws {SottoError} `session-ended`, and what the store throws: nothing was sealed
   */
  seal(rows: readonly Row[]): Promise<readonly SealOutcome[]>;
}

/** The attempt that was sealed before, if it may be sent again as it is. */
export function sealedBefore({ sealed }: Pick<OutboxRecord, 'sealed'>, now: number): SealOutcome | undefined {
  if (sealed === undefined || sealed.sealedAt + sealedFor < now) return undefined;
  const send = Send.decode(sealed.send);
  // Its certificate would be too old for whoever opens it.
  if (isUnnamed(send) && sealed.sealedAt + unnamedSealedFor < now) return undefined;
  return { status: 'sealed', send, sendId: sealed.sendId };
}

/** Whether those behind a row with this outcome are looked at. */
export function goesOn(outcome: SealOutcome): outcome is GoingOn {
  const { status } = outcome;
  return status === 'sealed' || status === 'gone' || status === 'outside';
}

type GoingOn = Extract<SealOutcome, { readonly status: 'sealed' | 'gone' | 'outside' }>;
