import type { MailLog } from '../ports/mail-log.ts';

/** One node of those that work on a log. */
export interface MailLogNode {
  readonly log: MailLog;
  /** From now on the node does nothing by itself, as if its process stood still, until the group has given its partitions to others. */
  freeze(): void;
  /** The node goes on. */
  wake(): void;
}

/** A log under test: topics and groups are the suite's own, and gone when the harness is closed. */
export interface MailLogWorld {
  /** Another node, closed with the harness and by `reopen`. */
  node(): Promise<MailLogNode>;
  /** Makes a topic under a name of its own. */
  makeTopic(partitions: number): Promise<string>;
  /** Deletes a topic and makes it again under its name. */
  remakeTopic(topic: string): Promise<void>;
  /** A name that no group has. */
  newGroup(): string;
}

/** A value from a text. */
export const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** A key for each partition, found by appending records with the value `probe`. */
export async function keysOf(log: MailLog, topic: string, partitions: number): Promise<readonly Uint8Array[]> {
  const keys = new Map<number, Uint8Array>();
  for (let index = 0; keys.size < partitions; index += 1) {
    const key = bytes(`key ${index}`);
    const { partition } = await log.append(topic, key, bytes('probe'));
    if (!keys.has(partition)) keys.set(partition, key);
  }
  return Array.from({ length: partitions }, (_, partition) => keys.get(partition) ?? bytes(''));
}

/** Appends values under one key, and gives the offset of the first. */
export async function appendAll(
  log: MailLog,
  topic: string,
  key: Uint8Array,
  texts: readonly string[],
): Promise<number> {
  const [first] = await Promise.all(texts.map((text) => log.append(topic, key, bytes(text))));
  return first?.offset ?? 0;
}

/** The texts `0` to `count - 1`. */
export const numbers = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `${index}`);
