import type { KafkaConfig } from './cluster-config.ts';

/** What a relay's topics and its group of nodes are called in Kafka. */
export interface LogNames {
  readonly topics: {
    /** Mail for one user each. */
    readonly toUser: string;
    /** Mail whose envelopes share their end: of groups. */
    readonly toGroup: string;
    /** Files. */
    readonly attachment: string;
    /** Records that nobody could read, for a person to look at. */
    readonly poison: string;
  };
  /** In which all nodes share what is to be handed out. */
  readonly group: string;
}

/** The names under the prefix of the settings. */
export function logNames({ topicPrefix }: Pick<KafkaConfig, 'topicPrefix'>): LogNames {
  return {
    topics: {
      toUser: `${topicPrefix}user2user_message`,
      toGroup: `${topicPrefix}group_message`,
      attachment: `${topicPrefix}attachment`,
      poison: `${topicPrefix}poison_message`,
    },
    group: `${topicPrefix}dispatchers`,
  };
}
