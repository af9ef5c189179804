import type { MessageState } from '@sotto/sdk';
import type { FatalStep } from './fatal-tracer.ts';

/** A message as a process tells of it. */
export interface SeenMessage {
  readonly id: string;
  readonly outgoing: boolean;
  readonly text: string;
  readonly state: MessageState;
  readonly late: boolean;
  readonly seq: number;
}

/** Something that an event told, or has to tell: its type, and the message or whoever it is about. */
export interface SeenFact {
  readonly type: string;
  readonly about: string;
}

/** Where a test left off reading a client. */
export interface Mark {
  /** Of the history with the one peer that is looked at. */
  readonly cursor: string | undefined;
  readonly changeSeq: number;
}

/** A client that has come to rest: what is new since a mark. */
export interface Rest {
  readonly messages: readonly SeenMessage[];
  /** What is in the change log: each has to be told by an event at least once. */
  readonly facts: readonly SeenFact[];
  readonly mark: Mark;
}

/** A group as a process tells of it. */
export interface SeenGroup {
  readonly standing: string;
  /** User ids, sorted. */
  readonly members: readonly string[];
  /** All texts, oldest first. */
  readonly texts: readonly string[];
}

/** One of the own one-time prekeys. */
export interface OwnPrekey {
  readonly kind: string;
  readonly id: number;
}

/** What a store has of the own account. */
export interface Standing {
  readonly ended: boolean;
  /** Its end was begun, and not finished. */
  readonly leaving: boolean;
  readonly hasSecrets: boolean;
}

/** What a client process can be asked for. */
export type ClientCalls = {
  readonly arm: { readonly arg: FatalStep; readonly value: undefined };
  /** Its code is asked for by a report. */
  readonly register: {
    readonly arg: { readonly phone: string; readonly username: string };
    readonly value: { readonly userId: string; readonly recoveryKey: string };
  };
  readonly code: { readonly arg: string; readonly value: undefined };
  /** Shows its code by a report, and resolves when it is a device of the account. */
  readonly linkDevice: { readonly arg: string; readonly value: { readonly deviceId: number } };
  /** Lets a device in that shows this code. */
  readonly link: { readonly arg: string; readonly value: undefined };
  readonly revoke: { readonly arg: number; readonly value: undefined };
  /** The own devices: ids and names. */
  readonly devices: {
    readonly arg: undefined;
    readonly value: readonly { readonly id: number; readonly name: string }[];
  };
  readonly account: {
    readonly arg: undefined;
    readonly value: { readonly userId: string; readonly number: string; readonly recoveryKey: string } | undefined;
  };
  /** Puts texts into the outbox, in order; each is reported when `send` resolved. `together`: without waiting for one another. */
  readonly send: {
    readonly arg: { readonly to: string; readonly texts: readonly string[]; readonly together: boolean };
    readonly value: undefined;
  };
  /** Makes a group with people, by their phones; gives its id. */
  readonly createGroup: {
    readonly arg: { readonly title: string; readonly members: readonly string[] };
    readonly value: string;
  };
  /** Lets people into a group or puts them out, or leaves it. */
  readonly changeGroup: {
    readonly arg: { readonly title: string; readonly change: 'add' | 'remove' | 'leave'; readonly phone: string };
    readonly value: undefined;
  };
  /** Writes to a group. */
  readonly sayIn: { readonly arg: { readonly title: string; readonly text: string }; readonly value: undefined };
  /** A group of a title, as it is here; undefined when there is none. */
  readonly group: { readonly arg: string; readonly value: SeenGroup | undefined };
  /** Resolves when nothing is on its way any more: all that was sent is read, all that came is seen, outbox, held and gaps are empty. */
  readonly rest: { readonly arg: { readonly with: string; readonly since: Mark }; readonly value: Rest };
  readonly setAvatar: { readonly arg: undefined; readonly value: undefined };
  readonly deleteAccount: { readonly arg: undefined; readonly value: undefined };
  /** What its store has of the own account. */
  readonly standing: { readonly arg: undefined; readonly value: Standing | undefined };
  readonly lookUp: { readonly arg: string; readonly value: { readonly userId: string } };
  readonly accessToken: { readonly arg: undefined; readonly value: string };
  readonly prekeys: { readonly arg: undefined; readonly value: readonly OwnPrekey[] };
  /** Resolves when there are at least so many, and the relay has all that it is to have. */
  readonly uploadedPrekeys: { readonly arg: number; readonly value: readonly OwnPrekey[] };
  /** Moves its clock on. */
  readonly advance: { readonly arg: number; readonly value: undefined };
  readonly stop: { readonly arg: undefined; readonly value: undefined };
};

/** What a client process says unasked. */
export type ClientReport =
  | { readonly type: 'code-wanted'; readonly attemptsLeft: number | null }
  | { readonly type: 'link-code'; readonly code: string }
  | { readonly type: 'sent'; readonly id: string; readonly text: string }
  | { readonly type: 'event'; readonly fact: SeenFact }
  | { readonly type: 'connection'; readonly state: string }
  | { readonly type: 'log'; readonly line: string };
