import type { FatalStep } from '../led/fatal-tracer.ts';

/** Somebody, or another device of somebody, whose client runs in a host process. */
export interface Person {
  /** Of a further device: that of its owner, a dot, and a number. */
  readonly name: string;
  /** E.164. */
  readonly phone: string;
  /** Of a further device: where it has come to. `out`: it was revoked, and is opened only to see that nothing comes. */
  readonly device?: 'new' | 'linked' | 'out';
}

/** What a host process is started with; survives JSON. */
export interface HostStart {
  readonly host: string;
  /** Counts the lives of the host, from 1. */
  readonly life: number;
  /** The relay as this host reaches it. */
  readonly relay: string;
  /** Where the databases are. */
  readonly data: string;
  /** Where the action logs are. */
  readonly logs: string;
  readonly seed: number;
  readonly people: readonly Person[];
  /** Whom they write to, themselves among them. */
  readonly peers: readonly Person[];
  readonly isTalking: boolean;
  /** About how many messages a second all of them send. */
  readonly rate: number;
  /** How far the clock is ahead. */
  readonly aheadMs: number;
  /** Steps that end it: the one that is reached first. */
  readonly fatal: readonly FatalStep[];
  readonly planted: string | undefined;
}

/** What a host process can be asked for. */
export type HostCalls = {
  /** It ends at whichever of these is reached first. */
  readonly arm: { readonly arg: readonly FatalStep[]; readonly value: undefined };
  /** Moves its clock to so far ahead. */
  readonly setClock: { readonly arg: number; readonly value: undefined };
  readonly code: { readonly arg: { readonly phone: string; readonly code: string }; readonly value: undefined };
  /** Opens a client for somebody new, and registers them. */
  readonly add: { readonly arg: Person; readonly value: undefined };
  /** Whom they write to from now on. */
  readonly setPeers: { readonly arg: readonly Person[]; readonly value: undefined };
  /** Accepts the chats with all of them: what strangers write is kept within bounds. */
  readonly meet: { readonly arg: undefined; readonly value: undefined };
  /** Asks the relay for something with every account. */
  readonly ask: { readonly arg: undefined; readonly value: undefined };
  /** Lets a device of somebody's in. */
  readonly link: { readonly arg: { readonly owner: string; readonly code: string }; readonly value: undefined };
  /** Puts a device of somebody's out, by its name; false when it is out already. */
  readonly revoke: { readonly arg: { readonly owner: string; readonly device: string }; readonly value: boolean };
  /** Has somebody change a group now. */
  readonly tend: { readonly arg: undefined; readonly value: undefined };
  /** Ends the writing of one of them. */
  readonly hushOne: { readonly arg: string; readonly value: undefined };
  /** Ends all writing, and tries to connect at once. */
  readonly hush: { readonly arg: undefined; readonly value: undefined };
  /** Marks everything as read. */
  readonly readAll: { readonly arg: undefined; readonly value: undefined };
  /** Acknowledges nothing to the relay; or does so again, over new connections. */
  readonly mute: { readonly arg: boolean; readonly value: undefined };
  readonly stop: { readonly arg: undefined; readonly value: undefined };
};

/** What a host process says unasked. */
export type HostReport =
  | { readonly type: 'code-wanted'; readonly phone: string }
  /** A further device shows this code. */
  | { readonly type: 'link-code'; readonly device: string; readonly code: string }
  /** A further device has its account. */
  | { readonly type: 'linked'; readonly device: string }
  /** Its owner's first device was told of it. */
  | { readonly type: 'noticed'; readonly device: string }
  /** All of its people have accounts. */
  | { readonly type: 'registered'; readonly phones: readonly string[] }
  | { readonly type: 'sent'; readonly count: number }
  | { readonly type: 'log'; readonly line: string };
