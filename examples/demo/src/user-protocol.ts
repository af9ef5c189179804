import type { MessageState } from '@sotto/sdk';

/** What the demo asks of a user's process. */
export type UserCommand =
  | { readonly type: 'register'; readonly phone: string; readonly username: string }
  | { readonly type: 'code'; readonly code: string }
  | { readonly type: 'send'; readonly to: string; readonly texts: readonly string[] }
  | { readonly type: 'report'; readonly with: string }
  | { readonly type: 'write'; readonly with: string; readonly path: string }
  | { readonly type: 'stop' };

/** What a user's process says. */
export type UserReport =
  | { readonly type: 'ready' }
  | { readonly type: 'code-wanted' }
  | { readonly type: 'registered'; readonly userId: string }
  | { readonly type: 'connection'; readonly state: string }
  | { readonly type: 'queued'; readonly ids: readonly string[] }
  | {
      readonly type: 'received';
      readonly id: string;
      readonly from: string;
      readonly text: string;
      readonly late: boolean;
    }
  | { readonly type: 'state'; readonly id: string; readonly state: MessageState }
  | { readonly type: 'history'; readonly messages: readonly ReportedMessage[] }
  | { readonly type: 'written'; readonly count: number }
  | {
      readonly type: 'failed';
      readonly code: string;
      readonly message: string;
      /** When the relay says that it can be tried again. */
      readonly retryAfterMs: number | undefined;
    };

/** A message of a history, without its text. */
export interface ReportedMessage {
  readonly id: string;
  readonly outgoing: boolean;
  readonly state: MessageState;
}
