import { randomBytes } from 'node:crypto';
import { Consumer, MessagesStreamModes, Producer } from '@platformatic/kafka';

/** As many as the relay has in a request under load, about. */
const batch = 256;

/** Kafka alone, as durable as the relay's log: records of the same bytes, produced with acks of all replicas in sync, and consumed. */
export class BareKafka implements AsyncDisposable {
  readonly #topic: string;
  readonly #producer: Producer;
  readonly #consumer: Consumer;
  readonly #value: Buffer;
  #consumed = 0;
  #wanted = Number.POSITIVE_INFINITY;
  #reached: () => void = () => undefined;

  /** @param topic one that is there, and that nobody else uses */
  static async open(brokers: readonly string[], topic: string, bytes: number): Promise<BareKafka> {
    const bare = new BareKafka(brokers, topic, bytes);
    await bare.#consume();
    // Until the consumer has its partitions, nothing is measured.
    await bare.run(batch);
    return bare;
  }

  private constructor(brokers: readonly string[], topic: string, bytes: number) {
    const common = { clientId: 'sotto-bench', bootstrapBrokers: [...brokers] };
    this.#topic = topic;
    this.#value = randomBytes(bytes);
    this.#producer = new Producer({ ...common, idempotent: true, retries: 2 });
    this.#consumer = new Consumer({ ...common, groupId: `bare-${topic}`, maxWaitTime: 50, autocommit: false });
  }

  /** Produces so many records, a batch after the other, and consumes them meanwhile; gives how many a second. */
  async run(count: number): Promise<number> {
    this.#consumed = 0;
    this.#wanted = count;
    const all = new Promise<void>((resolve) => {
      this.#reached = resolve;
    });
    const began = performance.now();
    for (let left = count; left > 0; left -= batch) {
      const messages = Array.from({ length: Math.min(batch, left) }, () => ({
        topic: this.#topic,
        key: randomBytes(16),
        value: this.#value,
      }));
      await this.#producer.send({ messages, acks: -1 });
    }
    await all;
    return (count / (performance.now() - began)) * 1_000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer.close(true);
    await this.#producer.close();
  }

  async #consume(): Promise<void> {
    const stream = await this.#consumer.consume({ topics: [this.#topic], mode: MessagesStreamModes.EARLIEST });
    stream.on('error', (error) => {
      throw error;
    });
    stream.on('data', () => {
      if (++this.#consumed === this.#wanted) this.#reached();
    });
  }
}
