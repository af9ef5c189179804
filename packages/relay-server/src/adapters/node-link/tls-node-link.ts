import type { WebSocket } from 'ws';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { NodeHandler, NodeLink, NodeReply, NodeRequestOptions } from '../../ports/node-link.ts';
import type { Randomness } from '../../ports/randomness.ts';
import type { CancelTimer, Timers } from '../../ports/timers.ts';
import { Drain } from '../drain.ts';
import { checkMessageSize } from '../node-link-limits.ts';
import { AskedNode } from './asked-node.ts';
import { defaultLinkSettings, type LinkSettings } from './link-settings.ts';
import { checkCredentials, type NodeCredentials } from './node-credentials.ts';
import { dialNode } from './node-dialer.ts';
import { listenForNodes, type NodeListener } from './node-listener.ts';
import { type NodeName, nodeNameOf, parseNodeName } from './node-name.ts';
import { ServedNode } from './served-node.ts';

/** What a link over TLS works with. */
export interface TlsNodeLinkOptions {
  /** Where it listens; port 0 is any that is free. */
  readonly listen: { readonly host: string; readonly port: number };
  /** How others reach it: the host is in its certificate; the port is the one it listens on, unless something stands in between. */
  readonly advertise: { readonly host: string; readonly port?: number | undefined };
  readonly credentials: NodeCredentials;
  readonly settings?: Partial<LinkSettings>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  readonly logger: Logger;
}

/** RFC 6455 section 7.4.1: the one who closes goes away. */
const goingAway = 1001;
/** How long the other may take to say goodbye. */
const partingMs = 1_000;

/**
 * Links nodes over WebSockets, TLS 1.3 and certificates of the cluster's own CA on both sides.
 *
 * One connection for each pair and direction, made when there is something to say, kept, and made anew after a failure with full-jitter back-off; after several failures in a row the node is `unreachable` at once for a while, then one attempt decides.
 * A way that is silent is given up after `pingMs` times `silentPings` and one. Who connects anew ends the connection it had, so that the order of what it says is kept.
 * A frame that is none, or is too large, ends its connection and nothing else.
 */
export class TlsNodeLink implements NodeLink {
  readonly node: string;
  /** When other nodes begin to refuse this one, milliseconds since the Unix epoch: its certificate has ended, or one that vouches for it. */
  readonly certificateEndsAt: number;
  readonly #options: TlsNodeLinkOptions;
  readonly #settings: LinkSettings;
  readonly #listener: NodeListener;
  readonly #asked = new Map<string, AskedNode>();
  readonly #served = new Map<string, ServedNode>();
  readonly #cancelTicks: CancelTimer;
  #handler: NodeHandler | undefined;
  #drain: Drain | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    node: string,
    options: TlsNodeLinkOptions,
    settings: LinkSettings,
    listener: NodeListener,
    certificateEndsAt: number,
  ) {
    this.node = node;
    this.certificateEndsAt = certificateEndsAt;
    this.#options = options;
    this.#settings = settings;
    this.#listener = listener;
    this.#cancelTicks = options.timers.every(settings.pingMs, () => this.#tick());
  }

  /**
   * Begins to listen, under the name of a start that there never was.
   * @throws {RelayError} `config-invalid`: credentials that other nodes would refuse, or an address it can't listen at
   */
  static async open(options: TlsNodeLinkOptions): Promise<TlsNodeLink> {
    const { advertise, clock, credentials, listen, logger, randomness } = options;
    const { endsAt } = checkCredentials(credentials, advertise.host, clock.now());
    const settings = { ...defaultLinkSettings, ...options.settings };
    let link: TlsNodeLink | undefined;
    const listener = await listenForNodes({
      ...listen,
      credentials,
      settings,
      logger,
      name: () => (link === undefined || link.#closing !== undefined ? undefined : link.node),
      onNode: (from, socket, endsAt) => {
        if (link !== undefined) link.#serve(from, socket, endsAt);
      },
    });
    const start = Buffer.from(randomness.bytes(8)).toString('hex');
    const node = nodeNameOf({ host: advertise.host, port: advertise.port ?? listener.port, start });
    link = new TlsNodeLink(node, options, settings, listener, endsAt);
    return link;
  }

  /** Where it listens, which is what others reach it by unless something stands in between. */
  get port(): number {
    return this.#listener.port;
  }

  /** How many nodes have connected to this one and still are. */
  get connected(): number {
    return this.#served.size;
  }

  async request(node: string, message: Uint8Array, options: NodeRequestOptions): Promise<NodeReply> {
    checkMessageSize(message, this.#settings);
    options.signal?.throwIfAborted();
    if (this.#closing !== undefined) return { status: 'closed', mayHaveArrived: false };
    return this.#nodeOf(node)?.request(message, options) ?? { status: 'unreachable', mayHaveArrived: false };
  }

  tell(node: string, message: Uint8Array): void {
    checkMessageSize(message, this.#settings);
    if (this.#closing === undefined) this.#nodeOf(node)?.tell(message);
  }

  serve(handler: NodeHandler): void {
    this.#handler = handler;
  }

  close(): Promise<void> {
    this.#closing ??= this.#drained();
    return this.#closing;
  }

  /** Closes without waiting for anything, also while `close` waits: what is under way is ended. */
  abandon(): Promise<void> {
    this.#drain?.giveUp();
    this.#closing ??= this.#end(false);
    return this.#closing;
  }

  async #drained(): Promise<void> {
    const { timers } = this.#options;
    this.#drain = new Drain(timers, this.#settings.drainMs, () => this.#isIdle());
    await this.#drain.over;
    await this.#end(this.#isIdle());
  }

  async #end(isClean: boolean): Promise<void> {
    this.#cancelTicks();
    const sockets = [...this.#asked.values()].map((node) => node.end());
    for (const node of [...this.#served.values()]) {
      sockets.push(node.socket);
      node.end();
    }
    const closed = sockets.flatMap((socket) =>
      socket === undefined ? [] : [ended(socket, isClean, this.#options.timers)],
    );
    this.#asked.clear();
    await Promise.all(closed);
    await this.#listener.close();
  }

  #isIdle(): boolean {
    const all = [...this.#asked.values(), ...this.#served.values()];
    return all.every(({ isIdle }) => isIdle);
  }

  #nodeOf(name: string): AskedNode | undefined {
    const known = this.#asked.get(name);
    if (known !== undefined) return known;
    const address = parseNodeName(name);
    return address && this.#begin(name, address);
  }

  #begin(name: string, address: NodeName): AskedNode {
    const { clock, timers, randomness, credentials } = this.#options;
    const asked = new AskedNode({
      clock,
      timers,
      randomness,
      settings: this.#settings,
      dial: () => dialNode(this.node, address, credentials, this.#settings),
      onSettled: () => this.#drain?.check(),
      onForgotten: () => this.#asked.delete(name),
    });
    this.#asked.set(name, asked);
    return asked;
  }

  #serve(from: string, socket: WebSocket, endsAt: number): void {
    const before = this.#served.get(from);
    before?.end();
    before?.socket.terminate();
    const served: ServedNode = new ServedNode({
      from,
      socket,
      endsAt,
      clock: this.#options.clock,
      timers: this.#options.timers,
      settings: this.#settings,
      handler: () => (this.#closing === undefined ? this.#handler : undefined),
      onSettled: () => this.#drain?.check(),
      onBroken: () => this.#options.logger.warn('node-link.broken'),
      onEnded: () => {
        if (this.#served.get(from) === served) this.#served.delete(from);
        this.#drain?.check();
      },
    });
    this.#served.set(from, served);
  }

  #tick(): void {
    for (const node of this.#asked.values()) node.tick();
    for (const node of this.#served.values()) node.tick();
  }
}

/** Closes a connection: what was written arrives before, if the other reads; resolves when it is no more. */
function ended(socket: WebSocket, isClean: boolean, timers: Timers): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState === socket.CLOSED) {
      resolve();
      return;
    }
    const cancelTimer = timers.after(partingMs, () => socket.terminate());
    socket.once('close', () => {
      cancelTimer();
      resolve();
    });
    if (isClean) socket.close(goingAway);
    else socket.terminate();
  });
}
