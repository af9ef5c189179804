import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Client } from '@sotto/sdk';
import type { Platform } from '@sotto/sdk/ports';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import type { ActionLog } from '@sotto/testing/checker';
import { noteDropped } from './dropped-log.ts';
import type { HostStart } from './host-calls.ts';
import { loggedSockets } from './logged-sockets.ts';
import { loggedStore } from './logged-store.ts';
import { membershipsOf, noteMembership } from './membership-log.ts';
import type { MutedAcks } from './muted-acks.ts';
import { earlyAcks } from './planted-ack.ts';
import { withoutSync } from './planted-sync.ts';
import { messageOf, partiesOf } from './token-text.ts';
import { wsSockets } from './ws-sockets.ts';

/** What a talker's client is opened with. */
export interface TalkerClientParts {
  readonly start: HostStart;
  readonly acks: MutedAcks;
  readonly tracer: Platform['tracer'];
  readonly clock: Platform['clock'];
  readonly log: (line: string) => void;
  /** Where it is written down what was applied and acknowledged. */
  readonly actions: ActionLog;
}

/** Gives what opens the client of a device on its file: what it commits and acknowledges is written down. */
export function talkerClient(device: string, parts: TalkerClientParts): () => Promise<Client> {
  const { start, acks, tracer, clock, log, actions } = parts;
  const level = (level: string) => (event: string, fields?: object) =>
    log(`${new Date().toISOString()} ${device} ${level} ${event} ${JSON.stringify(fields ?? {})}`);
  const memberships = membershipsOf(start, start.life);
  const file = betterSqlite3(join(start.data, `${device}.db`));
  const store = loggedStore(start.planted === 'sync-left-out' ? withoutSync(file) : file, {
    applied: ({ text }) => {
      const message = messageOf(text);
      if (message === undefined) return;
      const { sender, chat } = partiesOf(message);
      if (sender !== device) actions.write({ type: 'apply', receiver: device, sender, chat, message });
    },
    dropped: ({ id, text }) => {
      const message = messageOf(text);
      if (message === undefined) return;
      const { sender, chat } = partiesOf(message);
      noteDropped(start, id);
      actions.write({ type: 'drop', receiver: device, sender, chat, message });
    },
    member: (member) => noteMembership(memberships, member),
  });
  const sockets = loggedSockets(wsSockets(), (messageId, senderUser) =>
    // The text is not known here: whoever reads the log finds the message by its id.
    actions.write({ type: 'ack', receiver: device, sender: senderUser, chat: '', message: messageId }),
  );
  return () =>
    Client.open({
      relay: start.relay,
      store,
      // What is planted shows by acknowledgements, and those of sealed envelopes name no message.
      sealedSender: start.planted === undefined,
      platform: {
        tracer,
        clock,
        sockets: start.planted === 'ack-before-commit' ? earlyAcks(sockets) : acks.over(sockets),
        // Waits between tries to connect grow while the relay is killed again and again; the jitter's lower end keeps them short.
        randomness: { bytes: (count) => new Uint8Array(randomBytes(count)), fraction: () => 0.01 },
        logger: { debug: () => undefined, info: level('info'), warn: level('warn'), error: level('error') },
      },
    });
}
