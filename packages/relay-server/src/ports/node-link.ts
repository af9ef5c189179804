/** Why a request has no answer. */
export type NodeRefusal = 'unreachable' | 'timed-out' | 'overloaded' | 'closed' | 'failed';

/**
 * What became of a request.
 *
 * `unreachable`: there is no such node (any more), no way to it, it handles nothing (yet, or any more), or the way broke. `timed-out`: no answer within its time. `overloaded`: too much that is unanswered between the two nodes,
 * said at once. `closed`: this link was closed. `failed`: the handler threw, or answered too much.
 * `mayHaveArrived` is the difference between "not done" and "nobody knows": false says that the handler was not given this request and never will be; true, that it may have been, and may still be at it.
 */
export type NodeReply =
  | { readonly status: 'answered'; readonly answer: Uint8Array }
  | { readonly status: NodeRefusal; readonly mayHaveArrived: boolean };

/** How much a link between nodes carries, and for how long it drains. */
export interface NodeLinkLimits {
  /** Messages to one node that have no answer yet; as many of one node are handled here. */
  readonly mostRequests: number;
  /** Their bytes. */
  readonly mostRequestBytes: number;
  /** Of one message or answer: the same on all nodes of a cluster. */
  readonly mostMessageBytes: number;
  /** How long `close` waits for what is under way. */
  readonly drainMs: number;
}

/** How long a request may take, and who may give it up. */
export interface NodeRequestOptions {
  /** Milliseconds from the call. Nothing is left for an answer when it is not above 0: `timed-out` at once. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Answers other nodes; may take its time, many are under way at once.
 *
 * `from` is the node that asks, as its certificate allows it to call itself. The signal ends when the asker has given up, its time is over, the way to it broke, or this link was closed: then nobody is given the answer.
 * What it throws tells the asker `failed` and nothing more. What it answers to a `tell` goes nowhere.
 */
export type NodeHandler = (
  from: string,
  message: Uint8Array,
  call: { readonly signal: AbortSignal },
) => Promise<Uint8Array>;

/**
 * How the nodes of one cluster talk to each other: requests whose answers come in any order, and words without an answer.
 *
 * A node is named by where it is reached and by the start that is meant, `host:port/start`: what is for an earlier start of an address is never handed to a later one (`unreachable`). Names are compared as they are.
 * What one node sends to another is handed over in the order of the calls, requests and tells alike, each at most once: nothing is sent twice, whoever wants that asks again. Bytes that were passed in are not changed by the caller
 * afterwards; bytes that a handler or an asker is given may share memory with others and are not changed either.
 */
export interface NodeLink {
  /** The name of this node and of this start. */
  readonly node: string;

  /**
   * Asks a node, this one too. Every outcome but an abort is a value.
   * @throws the signal's reason when it is aborted; whether the request has arrived is then not told
   * @throws {RelayError} `request-too-large`: the message is above the limit that all nodes of the cluster share
   */
  request(node: string, message: Uint8Array, options: NodeRequestOptions): Promise<NodeReply>;

  /**
   * Says something to a node, which may be lost: nobody is told. It arrives at most once.
   * @throws {RelayError} `request-too-large`
   */
  tell(node: string, message: Uint8Array): void;

  /** Hands what comes from now on to `handler`, in place of the one before; until there is one, this node is `unreachable` for others. */
  serve(handler: NodeHandler): void;

  /**
   * Takes nothing more on (own requests: `closed`; those of others: `unreachable`), waits for what is under way both ways, but no longer than the link's limit, ends what is left and lets go of everything. Idempotent.
   */
  close(): Promise<void>;
}
