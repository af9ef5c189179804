/** A place where one message is left for a device that has no account yet. */
export interface NewLink {
  /** 16 random bytes. */
  readonly id: Uint8Array;
  /** SHA-256 of what opens the message. */
  readonly tokenHash: Uint8Array;
  /** To which the message is sealed. */
  readonly publicKey: Uint8Array;
  readonly expiresAt: number;
}

/** `unknown`: no such link, or not its token, or it has had its time, or its message was given; which one is not told. */
export type LinkPoll =
  | { readonly status: 'taken'; readonly message: Uint8Array }
  | { readonly status: 'waiting'; readonly expiresAt: number }
  | { readonly status: 'unknown' };

/** Links by which devices are added. They live for minutes, so that a store may lose them with its process: then the linking begins anew. */
export interface LinkStore {
  /** `full`: so many are open that there is no room for one more. */
  open(link: NewLink, now: number): Promise<'opened' | 'full'>;
  /** Leaves the link's message, once: `unknown` when there is no such link (any more), it is another key's, or it has a message. */
  leave(id: Uint8Array, publicKey: Uint8Array, message: Uint8Array, now: number): Promise<'left' | 'unknown'>;
  /** Gives the message and forgets the link, in one step: of parallel calls one gets it. */
  take(id: Uint8Array, tokenHash: Uint8Array, now: number): Promise<LinkPoll>;
}
