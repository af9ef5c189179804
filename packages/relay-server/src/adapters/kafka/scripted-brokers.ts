import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Reader, Writer } from '@platformatic/kafka';

/** Requests that a relay's appends consist of, and the versions that are answered. https://kafka.apache.org/protocol#protocol_api_keys */
const api = { produce: 0, metadata: 3, apiVersions: 18, initProducerId: 22 } as const;
const versions = [
  [api.produce, 11],
  [api.metadata, 12],
  [api.apiVersions, 3],
  [api.initProducerId, 5],
] as const;
export const topic = 'user2user_message';
export const topicId = '6f1c9b5e-27c3-4a8c-9c8e-0a4f5d1e2b3c';

const notLeader = 6;

/**
 * As many brokers as a topic has partitions, each of which leads one at first: enough of Kafka's protocol to be appended to.
 *
 * What no single real broker can show is here alone: one of several that takes requests and answers none, as a process does that is stopped.
 */
export class Brokers {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  /** That of the topic; another one is a topic that was made anew. */
  topicId = topicId;
  /** Of each partition. */
  readonly leaders: number[] = [];
  /** Brokers that answer nothing, by their number. */
  readonly stopped = new Set<number>();
  /** Produce requests that came, by broker. */
  readonly produced = new Map<number, number>();
  /** Requests for metadata that came, by broker. */
  readonly asked = new Map<number, number>();
  /** How many records a partition has. */
  readonly #kept = new Map<number, number>();
  /** Where batches are, by producer and sequence: what is repeated is kept once. */
  readonly #batches = new Map<string, number>();
  #ports: number[] = [];
  #producers = 0n;

  static async start(count: number): Promise<Brokers> {
    const brokers = new Brokers();
    for (let broker = 0; broker < count; broker += 1) {
      const server = createServer((socket) => brokers.#serve(broker, socket));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      brokers.#servers.push(server);
      brokers.leaders.push(broker);
    }
    brokers.#ports = brokers.#servers.map((server) => (server.address() as AddressInfo).port);
    return brokers;
  }

  get addresses(): string[] {
    return this.#ports.map((port) => `127.0.0.1:${port}`);
  }

  /** How many are open now, to all brokers. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    const closed = this.#servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #serve(broker: number, socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE()) {
        const size = bytes.readInt32BE();
        const request = bytes.subarray(4, 4 + size);
        bytes = bytes.subarray(4 + size);
        this.#answer(broker, socket, request);
      }
    });
  }

  #answer(broker: number, socket: Socket, request: Buffer): void {
    const [key, correlationId] = [request.readInt16BE(), request.readInt32BE(4)];
    if (key === api.metadata) this.asked.set(broker, (this.asked.get(broker) ?? 0) + 1);
    if (key === api.produce) this.produced.set(broker, (this.produced.get(broker) ?? 0) + 1);
    if (this.stopped.has(broker)) return;
    const answer = Writer.create().appendInt32(correlationId);
    if (key !== api.apiVersions) answer.appendTaggedFields();
    if (key === api.apiVersions) {
      answer.appendInt16(0);
      answer.appendArray([...versions], (writer, [name, version]) =>
        writer.appendInt16(name).appendInt16(version).appendInt16(version),
      );
      answer.appendInt32(0).appendTaggedFields();
    } else if (key === api.metadata) this.#describe(answer);
    else if (key === api.initProducerId) {
      this.#producers += 1n;
      answer.appendInt32(0).appendInt16(0).appendInt64(this.#producers).appendInt16(0).appendTaggedFields();
    } else this.#keep(broker, request, answer);
    socket.write(answer.prependLength().buffer);
  }

  #describe(answer: Writer): void {
    const numbers = [...this.#ports.keys()];
    answer.appendInt32(0);
    answer.appendArray(numbers, (writer, broker) =>
      writer
        .appendInt32(broker)
        .appendString('127.0.0.1')
        .appendInt32(this.#ports[broker] ?? 0)
        .appendString(null),
    );
    answer.appendString('cluster').appendInt32(0);
    answer.appendArray([topic], (writer, name) => {
      writer.appendInt16(0).appendString(name).appendUUID(this.topicId).appendBoolean(false);
      writer.appendArray(numbers, (each, partition) =>
        each
          .appendInt16(0)
          .appendInt32(partition)
          .appendInt32(this.leaders[partition] ?? -1)
          .appendInt32(0)
          .appendArray([partition], (one, replica) => one.appendInt32(replica), true, false)
          .appendArray([partition], (one, replica) => one.appendInt32(replica), true, false)
          .appendArray([] as number[], (one, replica) => one.appendInt32(replica), true, false),
      );
      writer.appendInt32(0);
    });
    answer.appendTaggedFields();
  }

  #keep(broker: number, request: Buffer, answer: Writer): void {
    // The head: key, version, correlation, client's name, no tagged fields.
    const body = Reader.from(request.subarray(11 + request.readInt16BE(8)));
    body.readNullableString();
    body.readInt16();
    body.readInt32();
    const topics = body.readArray((each) => ({
      name: each.readString(),
      batches: each.readArray((one) => ({ partition: one.readInt32(), batch: one.readBytes() })),
    }));
    answer.appendArray(topics, (writer, { name, batches }) =>
      writer.appendString(name).appendArray(batches, (each, { partition, batch }) => {
        const isLeader = this.leaders[partition] === broker;
        each
          .appendInt32(partition)
          .appendInt16(isLeader ? 0 : notLeader)
          .appendInt64(isLeader ? BigInt(this.#offsetOf(partition, batch)) : -1n)
          .appendInt64(-1n)
          .appendInt64(0n)
          .appendArray([] as string[], () => undefined)
          .appendString(null);
      }),
    );
    answer.appendInt32(0).appendTaggedFields();
  }

  /** By the fields of a batch: https://kafka.apache.org/documentation/#recordbatch */
  #offsetOf(partition: number, batch: Buffer): number {
    const name = `${partition} ${batch.readBigInt64BE(43)} ${batch.readInt32BE(53)}`;
    const end = this.#kept.get(partition) ?? 0;
    const offset = this.#batches.get(name) ?? end;
    this.#batches.set(name, offset);
    if (offset === end) this.#kept.set(partition, end + batch.readInt32BE(57));
    return offset;
  }
}
