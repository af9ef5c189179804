import type { Executor } from '../crypto/executor.ts';
import { acceptDeviceList } from '../devices/accept-device-list.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';

import { Outbox } from '../outbox/outbox.ts';
import { OutboxCommits } from '../outbox/outbox-commits.ts';
import type { ChatQueueParts } from '../outbox/queue-parts.ts';
import type { ResultWatchParts } from '../outbox/result-watch.ts';
import { Sealer, type SealerParts } from '../outbox/sealer.ts';
import type { SessionStarter } from '../outbox/session-starter.ts';
import type { ChatId } from '../ports/ids.ts';
import type { IdentityPolicy } from '../ports/key-records.ts';
import type { Platform } from '../ports/platform.ts';
import type { Store } from '../ports/store.ts';
import type { CertificateKeeper } from '../sealed/certificate-keeper.ts';
import type { UnnamedWay } from '../sealed/unnamed-way.ts';

/** What the outbox of a client is assembled from. */
export interface OutboxAssembly
  extends Pick<ChatQueueParts, 'refreshGroup' | 'transmit' | 'post' | 'onFailure'>,
    Pick<ResultWatchParts, 'onSlow' | 'onOverdue'>,
    Pick<SealerParts, 'keyless'> {
  readonly platform: Platform;
  readonly store: Store;
  readonly executor: Executor;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  readonly identityPolicy: IdentityPolicy;
  readonly ways: UnnamedWay;
  readonly starter: SessionStarter;
  readonly certificates: CertificateKeeper;
}

/** Puts the outbox together, with what seals and commits. */
export function assembleOutbox(assembly: OutboxAssembly): Outbox {
  const { platform, store, executor, origin, identityPolicy, keyless, ways, starter, certificates } = assembly;
  const { clock, timers, randomness, sha256, logger, tracer } = platform;
  const { refreshGroup, transmit, post, onSlow, onOverdue, onFailure } = assembly;
  const toOthers = {
    refreshGroup,
    onQueued: (chatIds: readonly ChatId[]) => {
      for (const chatId of chatIds) outbox.wake(chatId);
    },
  };
  const outbox: Outbox = new Outbox({
    ...toOthers,
    store,
    sealer: new Sealer({
      ...toOthers,
      store,
      executor,
      origin,
      account: () => origin().account,
      clock,
      randomness,
      identityPolicy,
      keyless,
      returnsReceipts: () => origin().returnsReceipts,
      ways,
    }),
    commits: new OutboxCommits({
      executor,
      store,
      clock,
      origin,
      acceptDeviceList: async (overlay, userId, signed) => {
        keyless.forget(userId);
        await acceptDeviceList(overlay, signed, userId, sha256);
      },
    }),
    makeSessions: (userId) => starter.start(userId),
    learnDevices: (userId) => starter.learnDevices(userId),
    transmit,
    makeCertificate: () => certificates.ensure(),
    onKeyRefused: (userId, accessKey) => ways.refusedFor(userId, accessKey),
    onManyRefused: () => ways.closeGroups(),
    post,
    clock,
    timers,
    randomness,
    tracer,
    logger,
    onFailure,
    onSlow,
    onOverdue,
  });
  return outbox;
}
