import type cassandra from 'cassandra-driver';

/** What this file needs of a connection of cassandra-driver 4.10. */
interface DriverConnection {
  close(done?: () => void): void;
}

/** What it needs of the driver's control connection, by which the driver hears of nodes that come and go. */
interface ControlConnection {
  /** The one in use. */
  readonly connection: DriverConnection | null;
  readonly _isShuttingDown: boolean;
  /** Opens a connection to a contact point, when no open one can be borrowed of a node's pool. */
  _createConnection(contactPoint: string): Promise<DriverConnection>;
  /** Finds another connection; with an iterator when it calls itself. Never rejects. */
  _refresh(hosts?: unknown): Promise<void>;
}

/**
 * Lets a client replace its control connection once at a time, and closes what did not become it.
 *
 * The driver listens twice to a control connection that it had to open anew, and replaces it as often when that breaks: the replacements overwrite one another, and who was
 * overwritten stays open with its heartbeats, beyond `shutdown` (NODEJS-681, open at 4.10.0). A connection whose first answer failed, and one that opened after `shutdown`, it
 * leaves open too.
 */
export function mendControlConnection(client: cassandra.Client): void {
  const { controlConnection } = client as unknown as { readonly controlConnection: ControlConnection };
  const [create, refresh] = [controlConnection._createConnection, controlConnection._refresh];
  const opened = new Set<DriverConnection>();
  let replacing: Promise<void> | undefined;

  const closeAllBut = (inUse: DriverConnection | null): void => {
    for (const connection of opened) {
      if (connection !== inUse) connection.close();
    }
    opened.clear();
  };

  controlConnection._createConnection = async (contactPoint) => {
    const connection = await create.call(controlConnection, contactPoint);
    opened.add(connection);
    return connection;
  };
  controlConnection._refresh = (hosts) => {
    if (hosts !== undefined) return refresh.call(controlConnection, hosts);
    replacing ??= refresh.call(controlConnection).finally(() => {
      replacing = undefined;
      closeAllBut(controlConnection._isShuttingDown ? null : controlConnection.connection);
    });
    return replacing;
  };
  client.on('connected', (error?: Error) => closeAllBut(error === undefined ? controlConnection.connection : null));
}
