import type { SendFields } from '@sotto/proto';
import type { Profiles } from '../accounts/profile.ts';
import type { Tokens } from '../accounts/tokens.ts';
import { chatOfGroup, chatWith } from '../chats/chat-state.ts';
import { clientStopped } from '../client-stopped.ts';
import type { Executor } from '../crypto/executor.ts';
import { noteRevocation } from '../devices/group-notes.ts';
import { Signals, type SignalsParts } from '../ephemeral/signals.ts';
import type { ConnectionChange, TransientEvent } from '../events/event.ts';
import { Inbox } from '../inbox/inbox.ts';
import { EnvelopeReceiver } from '../inbox/receive-envelope.ts';
import { Expiry } from '../messages/expiry.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { ReceiptQueue } from '../outbox/receipt-queue.ts';
import { ReceiptRest } from '../outbox/receipt-rest.ts';
import { SessionStarter } from '../outbox/session-starter.ts';
import type { ChatId, UserId } from '../ports/ids.ts';
import type { IdentityPolicy } from '../ports/key-records.ts';
import type { Platform } from '../ports/platform.ts';
import type { Store } from '../ports/store.ts';
import type { CancelTimer } from '../ports/timers.ts';
import { PrekeyMaintenance } from '../prekeys/maintenance.ts';
import { HeldKeeper } from '../repair/held-keeper.ts';
import { RetryAnswerer } from '../repair/retry-answer.ts';
import { RetryAsker } from '../repair/retry-asker.ts';
import { CertificateKeeper } from '../sealed/certificate-keeper.ts';
import { postSends } from '../sealed/sealed-post.ts';
import { UnnamedWay } from '../sealed/unnamed-way.ts';
import { Connection } from '../transport/connection.ts';
import type { ConnectionState } from '../transport/connection-state.ts';
import type { AuthorizedClient, HttpClient } from '../transport/http-client.ts';
import type { RelayAddress } from '../transport/relay-address.ts';
import type { Stream } from '../transport/stream.ts';
import { streamCredentials } from '../transport/stream-credentials.ts';
import { DeviceWork } from './device-work.ts';
import { ackOf, FrameRouter } from './frame-router.ts';
import { GroupWork } from './group-work.ts';
import { Housekeeping } from './housekeeping.ts';
import { assembleOutbox } from './outbox-assembly.ts';
import { PeerProfiles } from './peer-profiles.ts';

/** How long the client waits before it connects again after its store failed. */
const restartAfter = 5_000;

/** What operators of relays see of this software. */
const agent = 'sotto-sdk/0.1.0';

/** What messaging works with. */
export interface MessagingParts {
  readonly platform: Platform;
  readonly store: Store;
  readonly executor: Executor;
  readonly address: RelayAddress;
  readonly http: AuthorizedClient;
  /** The same relay, without saying who asks. */
  readonly anonymous: HttpClient;
  readonly tokens: Tokens;
  /** What has to be done before each try to connect; a failure is one of the try. */
  readonly beforeConnecting: (signal: AbortSignal) => Promise<void>;
  readonly profiles: Profiles;
  readonly origin: () => ContentOrigin;
  /** What a new identity key does, where a chat does not say. */
  readonly identityPolicy: IdentityPolicy;
  /** Whether contacts alone learn who writes to them, and the relay does not. */
  readonly sealedSender: boolean;
  /** What else is due every hour. */
  readonly alsoEveryHour: () => Promise<void>;
  /** A message was added to a chat that is not accepted. */
  readonly onRequest: (chatId: ChatId) => Promise<void>;
  /** The account has changed in the store. */
  readonly onAccount: () => Promise<void>;
  /** Which signals this user gives and takes. */
  readonly signals: Pick<SignalsParts, 'typing' | 'presence'>;
  /** Tells whoever listens now. */
  readonly onPassing: (event: TransientEvent) => void;
  readonly onState: (change: ConnectionChange) => void;
  readonly onFailure: (error: unknown) => void;
}

/** The running part of a client: the stream with everything that it feeds. */
export class Messaging {
  readonly outbox: Outbox;
  readonly receipts: ReceiptQueue;
  readonly signals: Signals;
  readonly groups: GroupWork;
  readonly devices: DeviceWork;
  private readonly platform: Platform;
  private readonly stream: Stream;
  private readonly inbox: Inbox;
  private readonly receiptRest: ReceiptRest;
  private readonly router: FrameRouter;
  private readonly expiry: Expiry;
  private readonly heldKeeper: HeldKeeper;
  private readonly asker: RetryAsker;
  private readonly starter: SessionStarter;
  private readonly alsoEveryHour: () => Promise<void>;
  private readonly prekeys: PrekeyMaintenance;
  private readonly peers: PeerProfiles;
  private readonly certificates: CertificateKeeper;
  private readonly housekeeping: Housekeeping;
  private readonly onState: (change: ConnectionChange) => void;
  private readonly onFailure: (error: unknown) => void;
  private readonly ending = new AbortController();
  private readonly relayNow = (): number => this.platform.clock.now() + this.stream.serverClockOffset;
  private cancelRestart: CancelTimer | undefined;
  private heldTried = false;

  constructor(parts: MessagingParts) {
    const { platform, store, executor, http, anonymous, tokens, origin, onFailure } = parts;
    const { clock, timers, randomness, sha256, logger, tracer, sockets } = platform;
    const account = () => origin().account;
    this.platform = platform;
    this.alsoEveryHour = parts.alsoEveryHour;
    this.onState = parts.onState;
    this.onFailure = onFailure;
    const credentials = streamCredentials(sockets.credential, tokens, http);
    this.stream = new Connection({
      url: parts.address.stream,
      credentials: {
        credential: async (replace, signal) => {
          await parts.beforeConnecting(signal);
          return credentials.credential(replace, signal);
        },
      },
      agent,
      sockets,
      clock,
      timers,
      randomness,
      logger,
      handlers: {
        stateChanged: (state, detail) => this.stateChanged({ state, ...detail }),
        opened: ({ contactRate, strangerRate, deviceRate }) => {
          this.outbox.limited({ contact: contactRate, stranger: strangerRate, device: deviceRate });
          this.prekeys.retry();
          this.certificates.wake();
        },
        received: (frames) => this.router.route(frames),
      },
    });
    this.receipts = new ReceiptQueue(origin);
    this.receiptRest = new ReceiptRest({ timers, onOver: (userId) => this.outbox.wake(chatWith(userId)) });
    const { identityPolicy } = parts;
    const { signal } = this.ending;
    this.devices = new DeviceWork({
      platform,
      store,
      executor,
      http,
      origin,
      ended: signal,
      learnDevices: (userId) => this.starter.learnDevices(userId),
      caughtUp: async () => {
        await this.inbox.idle();
        return this.stream.state === 'live';
      },
      onAccount: parts.onAccount,
      onTakenOver: async ({ identity }) => {
        if (identity === 'replaced') {
          this.prekeys.wake();
          this.certificates.wake();
        }
        // What came from a device before the list that names it.
        await this.inbox.retryHeld();
      },
      noteInGroups: () => noteRevocation({ store, changes: this.groups.changes, sha256 }, account()),
      onQueued: (chatId) => this.outbox.wake(chatId),
      onFailure,
    });
    const { keyless } = this.devices;
    this.starter = new SessionStarter({ executor, http, clock, sha256, identityPolicy, keyless, signal });
    const { relayNow } = this;
    const onPinned = () => void this.inbox.retryHeld().catch(onFailure);
    const certified = { executor, anonymous, http, account, relayNow, logger };
    this.certificates = new CertificateKeeper({ ...certified, onPinned });
    const { sealedSender: isOn } = parts;
    const ways = new UnnamedWay({ isOn, keeper: this.certificates, store, relayNow, logger });
    this.outbox = assembleOutbox({
      platform,
      store,
      executor,
      origin,
      identityPolicy,
      keyless,
      ways,
      starter: this.starter,
      certificates: this.certificates,
      refreshGroup: (groupId) => this.groups.refresh(groupId),
      transmit: (frames, handed) => this.stream.send(frames, handed),
      post: (sends) => void this.post(anonymous, sends).catch(onFailure),
      onSlow: () => this.stream.wake(),
      onOverdue: () => {
        logger.warn('outbox.result-overdue');
        this.restart();
      },
      onFailure,
    });
    this.peers = new PeerProfiles({ executor, profiles: parts.profiles, clock, logger });
    this.heldKeeper = new HeldKeeper({ executor, store, clock });
    const asking = { executor, store, origin, clock, timers, randomness };
    this.asker = new RetryAsker({
      ...asking,
      envelopeOf: (bytes) => this.inbox.envelopeOf(bytes),
      onQueued: (userId) => this.outbox.wake(chatWith(userId)),
      onFailure,
    });
    this.groups = new GroupWork({
      platform,
      store,
      executor,
      http,
      origin,
      ended: signal,
      onQueued: (chatId) => this.outbox.wake(chatId),
      keysDelivered: (rows) => this.outbox.keysDelivered(rows, signal),
      onMoved: (groupId) => {
        this.outbox.retry(chatOfGroup(groupId));
        this.inbox.moved(groupId);
      },
      onFailure,
    });
    this.inbox = new Inbox({
      receiver: new EnvelopeReceiver({
        executor,
        account,
        origin,
        clock,
        sha256,
        logger,
        receipts: this.receipts,
        store,
        randomness,
        answerer: new RetryAnswerer({ store, receipts: this.receipts, origin }),
        trustRoots: () => this.certificates.trustRoots(),
        relayNow,
      }),
      store,
      tracer,
      logger,
      ack: (deliveryIds, handed) => this.stream.send([ackOf(deliveryIds)], handed),
      onApplied: (sender) => {
        if (sender.userId === account().userId) parts.onAccount().catch(onFailure);
        else this.peers.heardFrom(sender.userId);
      },
      onReceipts: (sender) => this.outbox.wake(chatWith(sender.userId)),
      onReceiptsRest: (sender) => this.receiptRest.add(sender.userId),
      onRequest: (chatId) => void parts.onRequest(chatId).catch(onFailure),
      onGroup: (groupId) => this.groups.wake(groupId),
      onBehind: (groupId) => this.devices.behind(() => this.inbox.moved(groupId)),
      onHeld: async () => {
        await this.heldKeeper.trim();
        this.asker.wake();
      },
      onFailure,
    });
    this.prekeys = new PrekeyMaintenance({
      executor,
      queries: store,
      http,
      clock,
      randomness,
      logger,
      tracer,
    });
    this.expiry = new Expiry({ executor, store, clock });
    this.housekeeping = new Housekeeping({ executor, clock, timers, logger, alsoDo: () => this.everyHour() });
    this.signals = new Signals({
      ...parts.signals,
      store,
      self: account,
      clock,
      timers,
      randomness,
      logger,
      transmit: (frames) => this.stream.send(frames),
      onEvent: parts.onPassing,
      onFailure,
    });
    this.router = new FrameRouter({
      signals: this.signals,
      inbox: this.inbox,
      outbox: this.outbox,
      logger,
      onDrained: () => this.drained(),
      onPrekeysLow: () => this.prekeys.wake(),
      onDevices: (signed) => this.devices.changed(signed),
      onIdle: () => this.devices.idle(),
      onFailure,
    });
  }

  /** How many messages of blocked people were dropped since the start. */
  get dropped(): number {
    return this.inbox.dropped;
  }

  get state(): ConnectionState {
    return this.stream.state;
  }

  /** Connects, and stays connected. */
  start(): void {
    if (this.ending.signal.aborted) return;
    this.stream.start();
    this.housekeeping.start();
    this.asker.wake();
  }

  /** Takes the device list of somebody over, over the network. */
  learnDevices(userId: UserId): Promise<void> {
    return this.starter.learnDevices(userId);
  }

  /** Resolves when the outbox is empty: what rests there leaves at once. @throws as `Outbox.emptied` */
  flush(signal: AbortSignal, assertLeaving: () => void): Promise<void> {
    this.receiptRest.end();
    return this.outbox.emptied(signal, assertLeaving);
  }

  /** Whether something is being opened that the executor does not know of yet. */
  get busy(): boolean {
    return this.inbox.busy;
  }

  /** Connects now instead of later; what was to be asked for meanwhile is. */
  wake(): void {
    this.asker.wake();
    this.stream.wake();
  }

  /** Gives the connection up and makes a new one after a while: what was not acked comes again. */
  restart(): void {
    if (this.cancelRestart !== undefined || this.ending.signal.aborted) return;
    this.cancelRestart = this.platform.timers.after(restartAfter, () => {
      this.cancelRestart = undefined;
      this.stream.start();
    });
    this.stream.stop().catch(this.onFailure);
  }

  /** Ends everything that was started; resolves when nothing is in hand. Idempotent. */
  async stop(): Promise<void> {
    this.ending.abort(clientStopped());
    this.cancelRestart?.();
    this.receiptRest.stop();
    await this.signals.leave();
    await this.stream.stop();
    await this.groups.stop();
    await this.devices.stop();
    await Promise.all([this.housekeeping.stop(), this.asker.stop(), this.prekeys.stop(), this.peers.stop()]);
    await this.certificates.stop();
    await this.signals.stop();
    await this.outbox.stop();
    await this.inbox.idle();
  }

  /** What leaves beside the stream, with results as those of the stream. */
  private async post(anonymous: HttpClient, sends: readonly SendFields[]): Promise<void> {
    const { signal } = this.ending;
    if (signal.aborted) return;
    this.platform.tracer.reached('send.bytes-left');
    try {
      await this.outbox.settle(await postSends(anonymous, sends, { signal }));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  private stateChanged(change: ConnectionChange): void {
    this.router.stateChanged(change.state);
    this.signals.setLive(change.state === 'live');
    this.groups.stateChanged(change.state);
    if (change.state === 'catching-up') this.devices.connected();
    this.onState(change);
  }

  /** The mailbox was seen empty: what is waited for longer than that will not come. */
  private async drained(): Promise<void> {
    await this.expiry.mark(this.relayNow());
    this.devices.drained();
    // A device that slept was woken by no timer.
    this.asker.wake();
    if (this.heldTried) return;
    // Once a run: a newer version may open what an older one could not. Otherwise it is tried when keys come.
    this.heldTried = true;
    await this.inbox.retryHeld();
  }

  private async everyHour(): Promise<void> {
    await this.heldKeeper.sweep();
    this.asker.wake();
    await this.alsoEveryHour();
    this.devices.everyHour();
    this.prekeys.wake();
    this.certificates.wake();
    // Live means that nothing is stored for this device: the mailbox is empty now.
    if (this.stream.state === 'live') await this.expiry.mark(this.relayNow());
  }
}
