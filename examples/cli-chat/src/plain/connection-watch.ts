import type { Client, ConnectionChange, ConnectionState } from '@sotto/sdk';
import { endText } from '../text/end-text.ts';

/** How a client stands once it has tried: it has seen its mailbox empty, or it is not connected. */
const settledStates: readonly ConnectionState[] = ['live', 'offline', 'replaced', 'ended', 'stopped'];

/** Says when the relay is lost and when it is back, each once an outage, and tells when the mailbox was looked into. */
export class ConnectionWatch implements Disposable {
  private readonly client: Client;
  private readonly say: (text: string) => void;
  private readonly forget: () => void;
  private outage = false;
  private waiters: (() => void)[] = [];

  constructor(client: Client, say: (text: string) => void) {
    this.client = client;
    this.say = say;
    this.forget = client.on('connection.changed', ({ state, reason }) => this.changed(state, reason));
    this.changed(client.connection, client.endReason);
  }

  /**
   * Resolves once the client has tried to get what waits for it.
   * @returns whether it has seen its mailbox empty
   */
  async caughtUp(signal: AbortSignal): Promise<boolean> {
    while (!settledStates.includes(this.client.connection) && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.waiters.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return this.client.connection === 'live';
  }

  [Symbol.dispose](): void {
    this.forget();
  }

  private changed(state: ConnectionState, reason?: ConnectionChange['reason']): void {
    if (state === 'offline' && !this.outage) {
      this.outage = true;
      this.say('the relay can not be reached: trying again; what you write is queued');
    } else if (this.outage && (state === 'catching-up' || state === 'live')) {
      this.outage = false;
      this.say('connected again');
    } else if (state === 'replaced') {
      this.say('another program uses this account now: end it, and start this again');
    } else if (state === 'ended') {
      this.say(endText(reason));
    }
    const { waiters } = this;
    this.waiters = [];
    for (const wake of waiters) wake();
  }
}
