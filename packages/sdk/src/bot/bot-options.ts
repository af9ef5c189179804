import type { Timers } from '../ports/timers.ts';

/** How a bot works. */
export interface BotOptions {
  /** Its place among the events, 1..100 characters; `bot` when left out. Two bots on one client have two. */
  readonly cursor?: string;
  /** Whether chats that others begin, and groups into which others bring it, are accepted, so that they get receipts and see the bot type; true when left out. */
  readonly acceptStrangers?: boolean;
  /**
   * What is handled of what is said in groups: `addressed` (when left out) is what begins with `@` and the bot's user name, and commands, except those for another one (`/time@Other`); `all`; or `none`.
   *
   * Two bots that answer everything answer each other for ever: `all` is for those that mostly keep silent.
   */
  readonly groups?: 'addressed' | 'all' | 'none';
  /** How many chats are handled at once; 16 when left out. Messages of one chat are handled one after another, in their order. */
  readonly chatsAtOnce?: number;
  /** How often a message is tried when its handlers throw; 3 when left out. */
  readonly tries?: number;
  /** For the waits between tries; those of the platform when left out. */
  readonly timers?: Timers;
}
