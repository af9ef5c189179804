import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { CountedArrivals } from './counted-arrivals.ts';
import type { Messenger, MessengerConnection, MessengerKind } from './messenger.ts';
import {
  connectPacket,
  disconnectPacket,
  idOfPublish,
  mqttType,
  pubackPacket,
  publishPacket,
  readPackets,
  subscribePacket,
} from './mqtt-packets.ts';
import { SendWindow } from './send-window.ts';
import { freePort, packageVersion, ServerProcess } from './server-process.ts';
import { userSocket, whenEnded } from './user-socket.ts';

const greatestPacketId = 65_535;

/** Mosquitto, with sessions that outlive their connections and queues without a bound. */
export const mosquitto: MessengerKind = {
  name: 'Mosquitto',
  package: 'mosquitto',
  find: () => packageVersion('mosquitto'),
  async start(folder, _users, messageBytes): Promise<Messenger> {
    const port = await freePort();
    const config = join(folder, 'mosquitto.conf');
    writeFileSync(
      config,
      [
        `listener ${port} 127.0.0.1`,
        'allow_anonymous true',
        ...(process.getuid?.() === 0 ? ['user root'] : []),
        'persistence true',
        `persistence_location ${folder}/`,
        'max_queued_messages 0',
        'max_inflight_messages 256',
        'log_dest none',
        '',
      ].join('\n'),
    );
    const server = await ServerProcess.start('/usr/sbin/mosquitto', ['-c', config], port);
    const payload = randomBytes(messageBytes);
    return {
      name: mosquitto.name,
      version: mosquitto.find() ?? '',
      pid: server.pid,
      guarantees: {
        durability: 'none at the confirmation: queues are in memory, written to disk every 30 minutes and at the end',
        encryption: 'none beyond TLS: the broker reads all',
        ordering: "each sender's order within a topic",
        acks: 'sender: in memory (QoS 1); recipient: by packet id, then the broker forgets',
        repeats: 'delivered again: at least once',
      },
      async connect(user, role) {
        const connection = await MqttConnection.open(port, user, payload);
        if (role === 'recipient') await connection.subscribe();
        return connection;
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};

/** One client with quality of service 1. */
class MqttConnection implements MessengerConnection {
  readonly #user: number;
  readonly #socket: Socket;
  readonly #payload: Uint8Array;
  readonly #arrivals = new CountedArrivals();
  readonly #sends = new SendWindow();
  readonly #answers = new CountedArrivals();
  #rest: Buffer = Buffer.alloc(0);
  #acks: Buffer[] = [];
  #nextId = 1;

  static async open(port: number, user: number, payload: Uint8Array): Promise<MqttConnection> {
    const socket = await userSocket(port, user);
    const connection = new MqttConnection(socket, user, payload);
    socket.write(connectPacket(`user-${user}`));
    await connection.#answers.until(1);
    return connection;
  }

  constructor(socket: Socket, user: number, payload: Uint8Array) {
    this.#user = user;
    this.#socket = socket;
    this.#payload = payload;
    socket.on('data', (bytes) => this.#heard(bytes));
    whenEnded(socket, mosquitto.name, (error) => {
      for (const waiting of [this.#arrivals, this.#sends, this.#answers]) waiting.fail(error);
    });
  }

  async subscribe(): Promise<void> {
    const before = this.#answers.count;
    this.#socket.write(subscribePacket(this.#takeId(), `mail/${this.#user}`));
    await this.#answers.until(before + 1);
  }

  send(to: readonly number[], count: number, window: number): Promise<void> {
    return this.#sends.send(count, window, (from, end) => {
      const packets: Buffer[] = [];
      for (let at = from; at < end; at++) {
        packets.push(publishPacket(this.#takeId(), `mail/${to[at % to.length]}`, this.#payload));
      }
      this.#socket.write(Buffer.concat(packets));
    });
  }

  receive(count: number): Promise<void> {
    return this.#arrivals.until(count);
  }

  close(): void {
    this.#socket.end(disconnectPacket());
  }

  #heard(bytes: Buffer): void {
    let [confirmed, arrived] = [0, 0];
    this.#rest = readPackets(this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]), (packet) => {
      if (packet.type === mqttType.publish) {
        this.#acks.push(pubackPacket(idOfPublish(packet)));
        arrived++;
      } else if (packet.type === mqttType.puback) {
        confirmed++;
      } else if (packet.type === mqttType.connack || packet.type === mqttType.suback) {
        if ((packet.body.at(-1) ?? 128) > 1) throw new Error('the broker refused a connection or a subscription');
        this.#answers.add(1);
      }
    });
    if (this.#acks.length > 0) this.#socket.write(Buffer.concat(this.#acks.splice(0)));
    this.#arrivals.add(arrived);
    if (confirmed > 0) this.#sends.confirm(confirmed);
  }

  #takeId(): number {
    const id = this.#nextId;
    this.#nextId = id === greatestPacketId ? 1 : id + 1;
    return id;
  }
}
