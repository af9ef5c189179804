import type { MessageState } from '@sotto/sdk';

/** A chat: with a person, by their number, or of a group, by its id. */
export type ChatName = { readonly phone: string } | { readonly groupId: string };

/** What the demo asks of a user's process. */
export type UserCommand =
  | { readonly type: 'register'; readonly phone: string; readonly username: string }
  | { readonly type: 'code'; readonly code: string }
  | { readonly type: 'make-group'; readonly title: string; readonly with: readonly string[] }
  | { readonly type: 'send'; readonly to: ChatName; readonly texts: readonly string[] }
  | { readonly type: 'report'; readonly with: ChatName }
  | { readonly type: 'write'; readonly with: string; readonly path: string }
  | { readonly type: 'stop' };

/** What a user's process says. */
export type UserReport =
  | { readonly type: 'ready' }
  | { readonly type: 'code-wanted' }
  | { readonly type: 'registered'; readonly userId: string }
  | { readonly type: 'connection'; readonly state: string }
  | { readonly type: 'group-made'; readonly groupId: string }
  | { readonly type: 'brought-in'; readonly groupId: string; readonly title: string }
  | { readonly type: 'queued'; readonly ids: readonly string[] }
  | {
      readonly type: 'received';
      readonly id: string;
      readonly from: string;
      /** The title of the group that it was said in. */
      readonly group: string | undefined;
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
