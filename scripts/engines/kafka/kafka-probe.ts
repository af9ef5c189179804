import { randomBytes } from 'node:crypto';
import { Admin, Consumer, type Message, MessagesStreamModes, Producer, stringSerializers } from '@platformatic/kafka';

/** Metadata from one broker: how many it sees. */
export async function askKafka(broker: string): Promise<string> {
  const admin = new Admin({ clientId: 'engines-probe', bootstrapBrokers: [broker], retries: 0, connectTimeout: 5000 });
  try {
    const { brokers } = await admin.metadata({ topics: [] });
    return `Kafka, ${brokers.size} in the cluster`;
  } finally {
    await admin.close();
  }
}

/** A topic with a replica on each broker is made, written to, read through a consumer group, and deleted. */
export async function tryKafka(bootstrapBrokers: readonly string[]): Promise<string> {
  const name = `engines-probe-${randomBytes(8).toString('hex')}`;
  const options = { clientId: name, bootstrapBrokers: [...bootstrapBrokers], connectTimeout: 5000 };
  const admin = new Admin(options);
  const producer = new Producer({ ...options, serializers: stringSerializers });
  const consumer = new Consumer({ ...options, groupId: name, autocommit: false });
  try {
    const { brokers } = await admin.metadata({ topics: [] });
    if (brokers.size !== bootstrapBrokers.length) {
      throw new Error(`${brokers.size} of ${bootstrapBrokers.length} brokers are there`);
    }
    const replicas = bootstrapBrokers.length;
    await admin.createTopics({ topics: [name], partitions: 1, replicas });
    try {
      await producer.send({ messages: [{ topic: name, value: 'written' }], acks: -1 });
      const stream = await consumer.consume({ topics: [name], mode: MessagesStreamModes.EARLIEST });
      let first: Message | undefined;
      for await (const message of stream) {
        first = message;
        break;
      }
      if (first?.value.toString() !== 'written') throw new Error('Kafka does not read what it wrote');
      await consumer.close(true);
    } finally {
      await admin.deleteTopics({ topics: [name] });
    }
    await admin.deleteGroups({ groups: [name] });
    return `${replicas} replicas, a record written to all in sync and read`;
  } finally {
    await consumer.close(true);
    await producer.close();
    await admin.close();
  }
}
