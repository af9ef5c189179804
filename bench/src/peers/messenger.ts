/** What a server promises, in words, and what its numbers stand for here. */
export interface Guarantees {
  /** What is on disk when the sender hears that its message was accepted. */
  readonly durability: string;
  /** Who can read the messages. */
  readonly encryption: string;
  readonly ordering: string;
  /** What the sender's confirmation and the recipient's mean. */
  readonly acks: string;
  /** What happens to a message that is sent twice. */
  readonly repeats: string;
}

/** One user's connection to a server. */
export interface MessengerConnection {
  /** Sends so many messages, to these users in turn, at most `window` of them unconfirmed; resolves when the server has confirmed all. */
  send(to: readonly number[], count: number, window: number): Promise<void>;
  /** Resolves when so many messages in all have come, each of which is confirmed to the server; counting begins when the connection is opened. */
  receive(count: number): Promise<void>;
  close(): void;
}

/** A server that carries messages from user to user, in a process of its own. */
export interface Messenger extends AsyncDisposable {
  readonly name: string;
  readonly version: string;
  readonly pid: number;
  readonly guarantees: Guarantees;
  /** Connects a user of the load, numbered from 0. What was stored for a `recipient` comes at once. */
  connect(user: number, role: 'sender' | 'recipient'): Promise<MessengerConnection>;
}

/** Starts a server for so many users with a folder of its own. */
export interface MessengerKind {
  readonly name: string;
  /** The Debian package that it comes from; undefined = part of this repository. */
  readonly package: string | undefined;
  /** Its version, where it is installed. */
  find(): string | undefined;
  start(folder: string, users: number, messageBytes: number): Promise<Messenger>;
}
