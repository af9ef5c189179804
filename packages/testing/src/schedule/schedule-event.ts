import type { Direction, MessageFate, RequestFate } from '../network/network-fault.ts';

/** One thing that happens in a schedule: plain data, so that a schedule can be written down, shortened and played again. `user` and `to` count from 0. */
export type ScheduleEvent =
  | { readonly type: 'send'; readonly user: number; readonly to: number; readonly count: number }
  | { readonly type: 'read'; readonly user: number; readonly to: number }
  /** Into the group that this user is in. */
  | { readonly type: 'group-send'; readonly user: number; readonly count: number }
  | { readonly type: 'group-create' | 'group-read' | 'group-leave'; readonly user: number }
  | { readonly type: 'group-add' | 'group-remove'; readonly user: number; readonly to: number }
  | { readonly type: 'register' }
  | { readonly type: 'open' | 'stop' | 'crash' | 'reconnect'; readonly user: number }
  | { readonly type: 'crash-at'; readonly user: number; readonly steps: number }
  | { readonly type: 'disk-full' | 'disk-free'; readonly user: number }
  | { readonly type: 'skew'; readonly user: number; readonly ms: number }
  | { readonly type: 'cut' | 'disconnect' | 'connect' | 'half-open' | 'swallow'; readonly user: number }
  | { readonly type: 'slow'; readonly user: number; readonly ms: number }
  | { readonly type: 'message'; readonly user: number; readonly direction: Direction; readonly fate: MessageFate }
  | { readonly type: 'request'; readonly user: number; readonly fate: RequestFate }
  | { readonly type: 'pass'; readonly ms: number }
  | { readonly type: 'relay-start' | 'relay-stop' | 'relay-crash' }
  | { readonly type: 'relay-crash-at'; readonly steps: number };

/** How an event counts in a table of what was covered. */
export function kindOf(event: ScheduleEvent): string {
  switch (event.type) {
    case 'message':
      return `message ${event.fate}`;
    case 'request':
      return event.fate;
    case 'pass':
      return event.ms >= 86_400_000 ? 'pass days' : event.ms >= 3_600_000 ? 'pass hours' : 'pass seconds';
    default:
      return event.type;
  }
}
