import { ready } from '#libsignal';
import { defaultPlatform } from '#platform';
import type { ReportHook } from '../people/report.ts';
import type { IdentityPolicy } from '../ports/key-records.ts';
import type { Platform } from '../ports/platform.ts';
import type { StoreOpener } from '../ports/store.ts';

/** What a client is opened with. */
export interface ClientOptions {
  /** The relay's address, `https://…`; `http://…` for one on this machine. */
  readonly relay: string;
  /** Lets `relay` be an `http://` address of another machine: whoever is on the way then sees tokens, numbers and who writes to whom. For networks that are closed, as between containers. */
  readonly allowInsecureRelay?: boolean;
  /** Where everything is kept, for example `betterSqlite3('alice.db')`. */
  readonly store: StoreOpener;
  /** Whether people are told that their messages came and were read; true when left out. Then this account's messages show theirs, too. */
  readonly receipts?: boolean;
  /** Whether people in accepted chats see that this user types, and this user that they do; true when left out. */
  readonly typing?: boolean;
  /** Whether people in accepted chats who have this on, too, see when this user is connected, and this user when they are; false when left out. */
  readonly presence?: boolean;
  /** Whether the relay is not told who writes to people in accepted chats, as soon as they have given their profile key; true when left out. Strangers are written to with the sender named. It hides neither addresses nor times. */
  readonly sealedSender?: boolean;
  /** What a new identity key of somebody does to sending: `accept` goes on, `block` waits for `acceptIdentity`, `block-verified` (when left out) waits if the person was verified. An event tells of it in any case. Chats may say otherwise. */
  readonly identityPolicy?: IdentityPolicy;
  /** Takes what `chat.report` puts together, to bring it to those who decide on reports. Sotto tells nobody by itself. */
  readonly onReport?: ReportHook;
  /** Parts of the platform in place of the defaults: clock, timers, randomness, sockets, fetch, logger, tracer. */
  readonly platform?: Partial<Platform>;
}

/** The platform's defaults with the parts given in their place; a part that is given as undefined is not given. */
export function platformOf({ platform = {} }: ClientOptions): Platform {
  const defaults = defaultPlatform();
  return {
    clock: platform.clock ?? defaults.clock,
    timers: platform.timers ?? defaults.timers,
    randomness: platform.randomness ?? defaults.randomness,
    sha256: platform.sha256 ?? defaults.sha256,
    sockets: platform.sockets ?? defaults.sockets,
    fetch: platform.fetch ?? defaults.fetch,
    logger: platform.logger ?? defaults.logger,
    tracer: platform.tracer ?? defaults.tracer,
  };
}

/** The same, when the protocol library can be used: in browsers it is compiled first, beside the page's thread. */
export async function readyPlatform(options: ClientOptions): Promise<Platform> {
  await ready();
  return platformOf(options);
}
