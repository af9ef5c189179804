/** What a socket tells its owner. Nothing comes after `closed`. */
export interface SocketHandlers {
  opened(): void;
  /** One whole binary message. */
  received(bytes: Uint8Array): void;
  /** Once, at the end, also when the connection could not be made. `code` is a WebSocket close code; 1006 = it broke. `status` = the HTTP status of a refused upgrade. */
  closed(reason: { readonly code: number; readonly text: string; readonly status?: number }): void;
}

/** An open or opening WebSocket. */
export interface Socket {
  /** Hands one binary message over; what is sent before `opened` or after `closed` is dropped. */
  send(bytes: Uint8Array): void;
  /** Starts the closing handshake; `closed` follows. */
  close(code: number, text: string): void;
  /** Ends the connection at once, without a handshake; `closed` follows. */
  terminate(): void;
  /** Bytes handed over that have not left yet. */
  readonly bufferedBytes: number;
}

/** How a stream says who it is: a header where the platform can set one, else a one-time ticket as a subprotocol. */
export type SocketCredential = { readonly type: 'header' } | { readonly type: 'ticket' };

/** Opens WebSockets. */
export interface SocketFactory {
  readonly credential: SocketCredential['type'];
  /** @param target the `ws:` or `wss:` address with `headers` (credential `header`) or `protocols` (credential `ticket`) */
  open(
    target: {
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly protocols: readonly string[];
    },
    handlers: SocketHandlers,
  ): Socket;
}
