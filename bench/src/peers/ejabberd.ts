import { randomBytes } from 'node:crypto';
import { globSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { CountedArrivals } from './counted-arrivals.ts';
import type { Messenger, MessengerConnection, MessengerKind } from './messenger.ts';
import { SendWindow } from './send-window.ts';
import { freePort, packageVersion, ServerProcess } from './server-process.ts';
import { userSocket, whenEnded } from './user-socket.ts';
import { lastConfirmed, WordCounter } from './xmpp-text.ts';

/** The sender asks how many stanzas were handled after so many. */
const confirmEvery = 32;
const password = 'bench';
const streamHead =
  "<?xml version='1.0'?><stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

/** ejabberd with its own database (Mnesia), stream management, and offline storage without a bound. */
export const ejabberd: MessengerKind = {
  name: 'ejabberd',
  package: 'ejabberd',
  find: () => packageVersion('ejabberd'),
  async start(folder, users, messageBytes): Promise<Messenger> {
    const port = await freePort();
    const config = join(folder, 'ejabberd.yml');
    writeFileSync(config, configText(port));
    const [library] = globSync('/usr/lib/*/ejabberd-*/ebin');
    if (library === undefined) throw new Error('ejabberd has no library under /usr/lib: install its Debian package');
    const server = await ServerProcess.start(
      'erl',
      [
        ...['-noinput', '+K', 'true', '+P', '250000', '-mnesia', 'dir', JSON.stringify(join(folder, 'spool'))],
        ...['-ejabberd', 'config', JSON.stringify(config)],
        ...['log_path', JSON.stringify(join(folder, 'ejabberd.log')), '-s', 'ejabberd'],
      ],
      port,
      { ERL_LIBS: dirname(dirname(library)), ERL_CRASH_DUMP_BYTES: '0', HOME: folder },
    );
    const body = randomBytes(messageBytes).toString('base64');
    for (let user = 0; user < users; user++) await register(port, user);
    return {
      name: ejabberd.name,
      version: ejabberd.find() ?? '',
      pid: server.pid,
      guarantees: {
        durability: 'online: none, memory alone; offline: written to Mnesia without an fsync before the confirmation',
        encryption: 'none beyond TLS, unless clients add OMEMO',
        ordering: "each sender's order between two addresses",
        acks: 'sender: handled by the server (XEP-0198); offline mail is deleted when it is sent, before any confirmation',
        repeats: 'delivered again',
      },
      connect: (user, role) => XmppConnection.open(port, user, role, body),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};

function configText(port: number): string {
  return `
loglevel: error
hosts: [localhost]
auth_method: [mnesia]
auth_password_format: plain
registration_timeout: infinity
listen:
  - port: ${port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    access: all
    backlog: 4096
shaper_rules:
  max_user_sessions: 10
  max_user_offline_messages: infinity
modules:
  mod_register: { ip_access: all, access: all, password_strength: 0 }
  mod_offline: { access_max_user_messages: max_user_offline_messages }
  mod_stream_mgmt: { max_ack_queue: infinity, resume_timeout: 0 }
`;
}

/** In-band registration, XEP-0077. */
async function register(port: number, user: number): Promise<void> {
  const wire = await XmppWire.open(port, user);
  await wire.ask(
    `<iq type='set' id='reg'><query xmlns='jabber:iq:register'><username>u${user}</username><password>${password}</password></query></iq>`,
    /<iq[^>]*type=['"]result['"]/,
  );
  wire.end();
}

/** A stream of XML of which single answers are waited for. */
class XmppWire {
  readonly socket: Socket;
  #heard = '';
  #onHeard: () => void = () => undefined;
  #onEnded: (error: Error) => void = () => undefined;
  readonly #listen = (text: string) => {
    this.#heard += text;
    this.#onHeard();
  };

  static async open(port: number, user: number): Promise<XmppWire> {
    const socket = await userSocket(port, user);
    socket.setEncoding('latin1');
    const wire = new XmppWire(socket);
    await wire.ask(streamHead, /<\/stream:features>/);
    return wire;
  }

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', this.#listen);
    whenEnded(socket, ejabberd.name, (error) => this.#onEnded(error));
  }

  /** Writes, and resolves when what came since matches; `<failure`, an error or the end rejects. */
  ask(words: string, answer: RegExp): Promise<void> {
    this.#heard = '';
    return new Promise((resolve, reject) => {
      this.#onEnded = (cause) => reject(new Error(`ejabberd did not answer: ${this.#heard.slice(-300)}`, { cause }));
      this.#onHeard = () => {
        if (/<failure|type=['"]error['"]|<stream:error/.test(this.#heard)) {
          reject(new Error(`ejabberd refused: ${this.#heard.slice(-300)}`));
        } else if (answer.test(this.#heard)) {
          this.#onHeard = () => undefined;
          resolve();
        }
      };
      this.socket.write(words);
    });
  }

  /** From here on somebody else listens; gives what came after the last answer. */
  release(): Socket {
    this.socket.off('data', this.#listen);
    return this.socket;
  }

  end(): void {
    this.socket.end('</stream:stream>');
  }
}

/** One client, with stream management. */
class XmppConnection implements MessengerConnection {
  readonly #socket: Socket;
  readonly #body: string;
  readonly #arrivals = new CountedArrivals();
  readonly #sends = new SendWindow();
  readonly #messages = new WordCounter('</message>');
  readonly #asks = new WordCounter('<r xmlns');
  #handled = 0;
  #nextId = 0;

  static async open(
    port: number,
    user: number,
    role: 'sender' | 'recipient',
    body: string,
  ): Promise<MessengerConnection> {
    const wire = await XmppWire.open(port, user);
    const plain = Buffer.from(`\0u${user}\0${password}`).toString('base64');
    await wire.ask(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`, /<success/);
    await wire.ask(streamHead, /<\/stream:features>/);
    await wire.ask(
      "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>",
      /<\/iq>/,
    );
    await wire.ask("<enable xmlns='urn:xmpp:sm:3'/>", /<enabled/);
    const connection = new XmppConnection(wire.release(), body);
    // Only who is present is sent what was stored.
    if (role === 'recipient') connection.#socket.write('<presence/>');
    return connection;
  }

  constructor(socket: Socket, body: string) {
    this.#socket = socket;
    this.#body = body;
    socket.on('data', (text) => this.#heard(String(text)));
    whenEnded(socket, ejabberd.name, (error) => {
      for (const waiting of [this.#arrivals, this.#sends]) waiting.fail(error);
    });
  }

  send(to: readonly number[], count: number, window: number): Promise<void> {
    return this.#sends.send(count, window, (from, end) => {
      let words = '';
      for (let at = from; at < end; at++) {
        const id = `m${this.#nextId++}`;
        words += `<message to='u${to[at % to.length]}@localhost' type='chat' id='${id}'><body>${this.#body}</body></message>`;
        if ((at + 1) % confirmEvery === 0 || at + 1 === count) words += "<r xmlns='urn:xmpp:sm:3'/>";
      }
      this.#socket.write(words);
    });
  }

  receive(count: number): Promise<void> {
    return this.#arrivals.until(count);
  }

  close(): void {
    this.#socket.end('</stream:stream>');
  }

  #heard(text: string): void {
    const arrived = this.#messages.add(text);
    this.#handled += arrived;
    if (this.#asks.add(text) > 0) this.#socket.write(`<a xmlns='urn:xmpp:sm:3' h='${this.#handled}'/>`);
    const confirmed = lastConfirmed(text);
    if (confirmed !== undefined) this.#sends.confirm(Math.max(0, confirmed - this.#sends.confirmed));
    this.#arrivals.add(arrived);
  }
}
