import { Deletion } from '../accounts/deletion.ts';
import { NumberChange } from '../accounts/number-change.ts';
import { Profiles } from '../accounts/profile.ts';
import { ProfileKeyRotation } from '../accounts/profile-key-rotation.ts';
import { Registration } from '../accounts/registration.ts';
import { RegistrationLock } from '../accounts/registration-lock.ts';
import { Tokens } from '../accounts/tokens.ts';
import { Chats } from '../chats/chats.ts';
import { Identities } from '../chats/identities.ts';
import { Requests } from '../chats/requests.ts';
import { StoreExecutor } from '../crypto/executor.ts';
import { DeviceLinking } from '../devices/device-linking.ts';
import { Devices } from '../devices/devices.ts';
import { resealNames } from '../devices/reseal-names.ts';
import type { ConnectionChange } from '../events/event.ts';
import { EventHub } from '../events/event-hub.ts';
import { leaveAllGroups } from '../groups/group-farewell.ts';
import { Groups } from '../groups/groups.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { BlockList } from '../people/block-list.ts';
import { People } from '../people/people.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Platform } from '../ports/platform.ts';
import type { Store, StoreOpening } from '../ports/store.ts';
import { ownQueue } from '../sync/own-sync.ts';
import { authorizedClient } from '../transport/authorized-client.ts';
import { httpClient } from '../transport/http-client.ts';
import type { RelayAddress } from '../transport/relay-address.ts';
import type { ClientOptions } from './client-options.ts';
import { ContactNumbers } from './contact-numbers.ts';
import type { CurrentAccount } from './current-account.ts';
import { MemberProfiles } from './member-profiles.ts';
import { Messaging } from './messaging.ts';

/** What a client is assembled from. */
export interface ClientAssembly {
  readonly options: ClientOptions;
  readonly address: RelayAddress;
  readonly platform: Platform;
  readonly store: Store;
  readonly opening: StoreOpening;
  readonly current: CurrentAccount;
  /** Aborted when the client stops. */
  readonly ended: AbortSignal;
  /** @throws {SottoError} `client-stopped` */
  readonly assertRunning: () => void;
  /** What has to be done before each try to connect. */
  readonly beforeConnecting: (signal: AbortSignal) => Promise<void>;
  readonly onState: (change: ConnectionChange) => void;
  readonly onFailure: (error: unknown) => void;
}

/** All that a client is made of. */
export interface ClientParts {
  readonly executor: StoreExecutor;
  readonly hub: EventHub;
  readonly tokens: Tokens;
  readonly deletion: Deletion;
  readonly contactNumbers: ContactNumbers;
  readonly registrationLock: RegistrationLock;
  readonly profiles: Profiles;
  readonly memberProfiles: MemberProfiles;
  readonly registration: Registration;
  readonly numberChange: NumberChange;
  readonly messaging: Messaging;
  readonly rotation: ProfileKeyRotation;
  readonly blockList: BlockList;
  readonly chats: Chats;
  readonly groups: Groups;
  readonly people: People;
  readonly devices: Devices;
  readonly linking: DeviceLinking;
}

/** Puts a client together. Nothing is started. */
export function assembleClient(assembly: ClientAssembly): ClientParts {
  const { options, address, platform, store, opening, current, ended, assertRunning, onFailure } = assembly;
  const { clock, timers, randomness, sha256, logger, tracer } = platform;
  const executor: StoreExecutor = new StoreExecutor({
    store,
    opening,
    clock,
    tracer,
    onEvents: (events) => {
      hub.published(events);
      contactNumbers.committed(events);
      memberProfiles.committed(events);
    },
  });
  const hub = new EventHub({ store, executor, clock, latest: opening.counters.changeSeq, onFailure });
  const http = httpClient({ address, fetch: platform.fetch, timers, ended });
  const tokens = new Tokens({ executor, http, clock, randomness, tracer });
  const authorized = authorizedClient(http, tokens);
  const contactNumbers = new ContactNumbers({ executor, http: authorized, clock, logger });
  const profiles = new Profiles({
    executor,
    http: authorized,
    clock,
    randomness,
    sha256,
    origin: () => origin(),
    onQueued: (chatId) => outbox.wake(chatId),
    assertRunning,
  });
  const memberProfiles = new MemberProfiles({ executor, store, profiles, clock, timers, logger, onFailure });
  const originOf = (account: AccountRecord): ContentOrigin => ({
    account,
    returnsReceipts: options.receipts ?? true,
    sha256,
    randomness,
  });
  const origin = () => originOf(current.staying());
  const identityPolicy = options.identityPolicy ?? 'block-verified';
  const requests = new Requests({ executor, store, clock, origin });
  const messaging = new Messaging({
    platform,
    store,
    executor,
    address,
    http: authorized,
    anonymous: http,
    tokens,
    beforeConnecting: assembly.beforeConnecting,
    profiles,
    origin: () => originOf(current.get()),
    identityPolicy,
    sealedSender: options.sealedSender ?? true,
    alsoEveryHour: async () => {
      await hub.expireCursors();
      await requests.sweep();
      rotation.wake();
    },
    onRequest: (chatId) => requests.trim(chatId),
    onAccount: async () => {
      await current.load();
      // A revocation that is through, or a block on another device, has left a new profile key.
      rotation.wake();
    },
    signals: { typing: options.typing ?? true, presence: options.presence ?? false },
    onState: (change) => {
      if (change.state === 'live') rotation.wake();
      memberProfiles.setLive(change.state === 'live');
      assembly.onState(change);
    },
    onPassing: (event) => hub.passing(event),
    onFailure,
  });
  const { outbox, receipts, signals } = messaging;
  const rotation: ProfileKeyRotation = new ProfileKeyRotation({
    executor,
    queries: store,
    profiles,
    origin,
    clock,
    logger,
    onRotating: (from, to, calling) => resealNames(messaging.devices.own, { from, to }, randomness, calling),
    onRotated: async (chats) => {
      await current.load();
      for (const chatId of [...chats, ownQueue(current.get())]) outbox.wake(chatId);
    },
  });
  const identities = new Identities({
    store,
    executor,
    origin,
    clock,
    policy: identityPolicy,
    learnDevices: (userId) => messaging.learnDevices(userId),
    onAccepted: (chatId) => outbox.retry(chatId),
  });
  const groups = new Groups({
    store,
    executor,
    outbox,
    receipts,
    origin,
    clock,
    tracer,
    assertRunning,
    changes: messaging.groups.changes,
    avatars: messaging.groups.avatars,
    invitations: messaging.groups.invitations,
    learnDevices: (userId) => messaging.learnDevices(userId),
    onReport: options.onReport,
  });
  const leaveGroups = () =>
    leaveAllGroups({
      store,
      changes: messaging.groups.changes,
      timers,
      logger,
      isLive: () => messaging.state === 'live',
      flush: (signal) => messaging.flush(signal, () => void current.get()),
    });
  return {
    executor,
    hub,
    tokens,
    deletion: new Deletion({ executor, queries: store, http, tokens, sha256, tracer, leaveGroups }),
    contactNumbers,
    registrationLock: new RegistrationLock({
      http: authorized,
      account: () => current.staying(),
      randomness,
      sha256,
      assertRunning,
    }),
    profiles,
    memberProfiles,
    registration: new Registration({
      executor,
      queries: store,
      http,
      profiles,
      clock,
      randomness,
      sha256,
      logger,
      tracer,
    }),
    numberChange: new NumberChange({
      executor,
      queries: store,
      anonymous: http,
      http: authorized,
      origin,
      clock,
    }),
    messaging,
    rotation,
    blockList: new BlockList({
      executor,
      store,
      outbox,
      origin,
      clock,
      randomness,
      onRotationDue: () => rotation.wake(),
    }),
    chats: new Chats({
      store,
      executor,
      outbox,
      receipts,
      signals,
      origin,
      clock,
      tracer,
      assertRunning,
      identities,
      requests,
      onReport: options.onReport,
      http: authorized,
      groupChat: (groupId) => groups.chatOf(groupId),
    }),
    devices: new Devices({ own: messaging.devices.own, http: authorized, randomness, assertRunning }),
    linking: new DeviceLinking({ executor, queries: store, http, originOf, clock, randomness, sha256, tracer }),
    groups,
    people: new People({ store, assertRunning }),
  };
}
