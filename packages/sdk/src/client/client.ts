import type { ChangeNumberOptions } from '../accounts/number-change.ts';
import type { Profiles } from '../accounts/profile.ts';
import { formatRecoveryKey } from '../accounts/recovery-key.ts';
import type { Registered, RegisterOptions } from '../accounts/registration.ts';
import type { RegistrationLock } from '../accounts/registration-lock.ts';
import { rootSecretOf, sessionEndOf } from '../accounts/standing.ts';
import type { Chats } from '../chats/chats.ts';
import { clientStopped } from '../client-stopped.ts';
import type { StoreExecutor } from '../crypto/executor.ts';
import type { LinkDeviceOptions, Linked } from '../devices/device-linking.ts';
import type { Devices } from '../devices/devices.ts';
import type { SignalDrop } from '../ephemeral/signal-reader.ts';
import type { ConnectionChange, EventOf, EventType, SottoEvent } from '../events/event.ts';
import type { EventConsumer } from '../events/event-consumer.ts';
import type { EventHub, EventOptions } from '../events/event-hub.ts';
import { noEvents } from '../events/no-events.ts';
import type { Groups } from '../groups/groups.ts';
import { checkOptions, signalOnly } from '../option-rules.ts';
import type { BlockedPerson, BlockList } from '../people/block-list.ts';
import type { People } from '../people/people.ts';
import type { UserId } from '../ports/ids.ts';
import type { Platform } from '../ports/platform.ts';
import type { Store, StoreOpening } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import type { ConnectionState, EndReason } from '../transport/connection-state.ts';
import type { CallOptions } from '../transport/http-client.ts';
import { parseRelayAddress, type RelayAddress } from '../transport/relay-address.ts';
import {
  checkChangeNumberOptions,
  checkClientOptions,
  checkLinkDeviceOptions,
  checkRegisterOptions,
} from './check-options.ts';
import { type ClientOptions, readyPlatform } from './client-options.ts';
import { assembleClient, type ClientParts } from './client-parts.ts';
import { CurrentAccount } from './current-account.ts';
import { isFatal } from './frame-router.ts';
import type { Messaging } from './messaging.ts';
import type { OwnAccount } from './own-account.ts';

/**
 * An end-to-end encrypted messenger for one account on one device.
 *
 * `open` takes the store over and, once there is an account, keeps a connection to the relay, whatever happens to it; everything that is sent waits in the store until it can leave. Stop it, or let `await using` do so.
 */
export class Client {
  /** The conversations. */
  readonly chats: Chats;
  /** Groups: made, joined, found. */
  readonly groups: Groups;
  /** Who others are, as far as this device knows. */
  readonly people: People;
  /** The devices of this account. */
  readonly devices: Devices;
  /** The own profile, and pictures of others. */
  readonly profile: Pick<Profiles, 'set' | 'fetchAvatar'>;
  /** A PIN that keeps others from taking the number over. */
  readonly registrationLock: Pick<RegistrationLock, 'set' | 'remove' | 'isSet'>;
  readonly #platform: Platform;
  readonly #store: Store;
  readonly #executor: StoreExecutor;
  readonly #hub: EventHub;
  readonly #current: CurrentAccount;
  readonly #messaging: Messaging;
  readonly #parts: ClientParts;
  readonly #blockList: BlockList;
  readonly #ending = new AbortController();
  #stopping: Promise<void> | undefined;
  /** Why the connection has ended, from the event that says so until the account is read again. */
  #connectionEnd: EndReason | undefined;

  /**
   * Opens a store and, if it has an account, connects in the background.
   * @throws {SottoError} `relay-url-invalid`, `relay-insecure`, `store-locked`, `store-newer`, `store-corrupt`, `store-unavailable`
   */
  static async open(options: ClientOptions): Promise<Client> {
    checkClientOptions(options);
    const address = parseRelayAddress(options.relay, { allowInsecure: options.allowInsecureRelay === true });
    const platform = await readyPlatform(options);
    const { store, opening } = await options.store.open();
    try {
      const current = new CurrentAccount(store);
      await current.load();
      const client = new Client(options, address, platform, store, opening, current);
      // An end that was begun is finished by the connection, as soon as the relay can be reached.
      if (current.usable || current.leaving) client.#messaging.start();
      return client;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  private constructor(
    options: ClientOptions,
    address: RelayAddress,
    platform: Platform,
    store: Store,
    opening: StoreOpening,
    current: CurrentAccount,
  ) {
    this.#platform = platform;
    this.#store = store;
    this.#current = current;
    const parts = assembleClient({
      options,
      address,
      platform,
      store,
      opening,
      current,
      ended: this.#ending.signal,
      assertRunning: () => this.#checkRunning(),
      beforeConnecting: (signal) => this.#finishDeletion({ signal }),
      onState: (change) => this.#stateChanged(change),
      onFailure: (error) => this.#failed(error),
    });
    this.#parts = parts;
    this.#executor = parts.executor;
    this.#hub = parts.hub;
    this.registrationLock = parts.registrationLock;
    this.profile = parts.profiles;
    this.#messaging = parts.messaging;
    this.#blockList = parts.blockList;
    this.chats = parts.chats;
    this.groups = parts.groups;
    this.people = parts.people;
    this.devices = parts.devices;
  }

  /**
   * Makes an account for a phone number on this device, then connects. Call it again after a wrong code, a crash or a lost connection: it goes on where it was.
   * @returns the ids, and the recovery key: to be kept by the user, off this device
   * @throws {SottoError} see `Registration.register`
   */
  async register(options: RegisterOptions): Promise<Registered> {
    this.#checkRunning();
    checkRegisterOptions(options);
    const { signal: ended } = this.#ending;
    const signal = options.signal === undefined ? ended : AbortSignal.any([options.signal, ended]);
    await this.#finishDeletion({ signal });
    const registered = await this.#parts.registration.register({ ...options, signal });
    this.#checkRunning();
    await this.#accountChanged();
    this.#messaging.start();
    return registered;
  }

  /**
   * Makes this device one of an account that is on another device, then connects: the code that it shows is scanned there, and given to `devices.link`. Call it again after a crash or a lost connection: once the other device has let this one in, it goes on where it was.
   *
   * People, chats with their settings and groups come from the other device, and what is written from then on; messages of before do not.
   * @throws {SottoError} see `DeviceLinking.link`
   */
  async linkDevice(options: LinkDeviceOptions): Promise<Linked> {
    this.#checkRunning();
    checkLinkDeviceOptions(options);
    const { signal: ended } = this.#ending;
    const signal = options.signal === undefined ? ended : AbortSignal.any([options.signal, ended]);
    await this.#finishDeletion({ signal });
    const linked = await this.#parts.linking.link({ ...options, signal });
    this.#checkRunning();
    await this.#accountChanged();
    this.#messaging.start();
    return linked;
  }

  /**
   * Gives this account another phone number, under the same user id, and tells the contacts. Call it again after a wrong code, a crash or a lost connection.
   *
   * An account that had the number ends, unless a registration lock protects it. Contacts who never knew the old number do not learn the new one.
   * @throws {SottoError} see `NumberChange.change`
   */
  async changeNumber(options: ChangeNumberOptions): Promise<void> {
    this.#checkRunning();
    checkChangeNumberOptions(options);
    const { signal: ended } = this.#ending;
    const signal = options.signal === undefined ? ended : AbortSignal.any([options.signal, ended]);
    const told = await this.#parts.numberChange.change({ ...options, signal });
    await this.#current.load();
    for (const chatId of told) this.#messaging.outbox.wake(chatId);
  }

  /**
   * Ends this account: the relay forgets its number, devices, keys, profile and mail, and never gives its user id to anybody again. People and history stay in this store; delete the store to be rid of them.
   *
   * What was sent to others is theirs. Nothing brings the account back. While connected it leaves its groups first (20 s at most), so that others own them.
   *
   * It is written down before the relay is asked, and not taken back: after a crash, an abort or an error with which it may be tried again the client goes on by itself, now and whenever it is opened, until the relay has answered; then `account.deleted` is told, once. When the relay has ended the session of this device before (the number was registered anew, by its owner or by somebody else), the account is not this device's to end any more: it is deleted here alone, and `account.deleted` says that it was not `confirmed`. Meanwhile `account` is undefined and whatever would send throws `session-ended`; history can be read. Calling it again waits for the same end; `register` waits for it, too.
   * @throws {SottoError} `not-registered`, `session-ended` (it has ended already; or the relay had ended the session of this device before it was asked: here it is deleted, at the relay it was not by this), any other error that is not `retryable` and has a `relayCode` (the relay refuses, as an older one that can't: the account stays as it is), and as AuthorizedClient (the client goes on)
   */
  async deleteAccount(options: CallOptions = {}): Promise<void> {
    this.#checkRunning();
    checkOptions('deleteAccount', options, signalOnly);
    options.signal?.throwIfAborted();
    await this.#parts.deletion.begin();
    await this.#current.load();
    try {
      const refusal = await this.#parts.deletion.finish(options);
      await this.#accountChanged();
      if (refusal !== undefined) throw refusal;
    } catch (error) {
      // Offline, it is asked again with the next try to connect.
      if (this.#current.leaving && this.connection !== 'offline') this.#messaging.restart();
      throw error;
    }
  }

  async #finishDeletion(options: CallOptions): Promise<void> {
    if (!this.#current.leaving) return;
    const refusal = await this.#parts.deletion.finish(options);
    await this.#accountChanged();
    if (refusal === undefined) return;
    this.#platform.logger.warn('account.deletion-refused', { code: refusal.relayCode ?? refusal.code });
  }

  /** The account of before may be over, and with it what waited to leave. */
  async #accountChanged(): Promise<void> {
    await this.#current.load();
    this.#connectionEnd = undefined;
    this.#messaging.outbox.recheck();
  }

  /** Who this client is; undefined before `register`, from `deleteAccount` on, and once the session of this device has ended: `endReason` tells these apart. */
  get account(): OwnAccount | undefined {
    if (!this.#current.usable) return undefined;
    const { userId, deviceId, number, username } = this.#current.get();
    return { userId, deviceId, number, username };
  }

  /**
   * Why this device has no account any more, also after a restart: as the `endReason` of `session-ended`, and `session-ended` where the relay does not say why. Undefined while it has one, and when it never had.
   * Look at it before `register`: for a device that its owner took out of the account (`device-revoked`) `register` would end the sessions of the first device and all others. docs/errors.md says for each reason what to do. It is undefined again after `register` or `linkDevice`.
   */
  get endReason(): EndReason | undefined {
    return this.#current.endReason ?? this.#connectionEnd;
  }

  /**
   * The recovery key once more: `register` may have been cut off before anyone saw it. To be kept by the user, off this device. Secret.
   * @throws {SottoError} `not-registered`, `session-ended`, `primary-only`, `client-stopped`
   */
  recoveryKey(): string {
    this.#checkRunning();
    return formatRecoveryKey(rootSecretOf(this.#current.staying()), this.#platform.sha256);
  }

  /** What the connection to the relay is like now: `stopped` before there is an account and after `stop`; `ended` from the moment the session ends, also when its store is opened again (`endReason` says why). */
  get connection(): ConnectionState {
    const { state } = this.#messaging;
    return state === 'stopped' && this.#stopping === undefined && this.#current.ended ? 'ended' : state;
  }

  /** Tries to connect now instead of after the wait; takes the device back after `replaced`. @throws {SottoError} `client-stopped` */
  reconnect(): void {
    this.#checkRunning();
    this.#messaging.wake();
  }

  /**
   * What happens, as it happens. With a `cursor` it goes on where that consumer was, also after a crash; without one it begins now.
   *
   * A slow loop holds nothing back. Events come after their commit, so what they tell of is in the store. A loop that waits does not keep the process alive: without an account, and so without a connection, a script that only waits for events ends.
   * @throws {SottoError} `argument-invalid`; from the loop: `cursor-invalid`, `cursor-expired`, `client-stopped`, or why the store failed
   */
  events(options: EventOptions = {}): AsyncGenerator<SottoEvent, void, undefined> {
    return this.#stopping === undefined ? this.#hub.events(options) : noEvents();
  }

  /**
   * Events for a named consumer that handles several at once: its place moves past an event when that one and all before it were said to be `done`. Each comes at least once, also over a crash.
   * @throws {SottoError} `argument-invalid`, `cursor-invalid`, `cursor-expired`, `client-stopped`
   */
  async consume(options: { readonly cursor: string; readonly signal?: AbortSignal }): Promise<EventConsumer> {
    this.#checkRunning();
    return this.#hub.consume(options);
  }

  /** Calls a listener for each event of a type, from now on; gives how to end it. @throws {SottoError} `argument-invalid` when there is no such type, `client-stopped` */
  on<Type extends EventType>(type: Type, listener: (event: EventOf<Type>) => void): () => void {
    this.#checkRunning();
    return this.#hub.on(type, listener);
  }

  /**
   * Resolves when everything that was sent is with the relay, or has failed: call it before the end of a script that sends and stops. Offline it waits; an aborted signal ends the wait, and the messages leave the next time.
   * @throws the signal's reason; {SottoError} `client-stopped`, `session-ended` (something waits that does not leave any more)
   */
  async flush(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#checkRunning();
    checkOptions('flush', options, signalOnly);
    const { signal: ended } = this.#ending;
    const signal = options.signal ? AbortSignal.any([options.signal, ended]) : ended;
    await this.#messaging.flush(signal, () => void this.#current.get());
  }

  /** Whether something is being encrypted, decrypted or committed now. What waits for the network or for a timer does not count: for tests that turn the clock by hand. */
  get busy(): boolean {
    return this.#executor.busy || this.#messaging.busy;
  }

  /** How many signals of others (who types) were dropped since the start, by reason: what is forged, repeated, too old or too much is never shown. */
  droppedSignals(): Readonly<Record<SignalDrop, number>> {
    return this.#messaging.signals.dropped;
  }

  /** How many messages of people who are blocked were dropped since the start. */
  droppedMessages(): number {
    return this.#messaging.dropped;
  }

  /**
   * Blocks somebody, with an account or as a stranger. From now on nothing is sent to them (`blocked`), what they send is dropped unread, and neither sees whether the other types or is there; what waited for them fails. Their messages in groups are dropped, too; they stay members, and what is written there reaches them.
   *
   * If they had this account's profile key, a new one is made, and brought to the relay and to all other contacts as soon as there is a connection: then the relay takes them for a stranger, and they see no later name or picture. The chat with its history stays. They are not told.
   * @throws {SottoError} `argument-invalid`, `recipient-invalid` (the own id), `not-registered`, `session-ended`
   */
  async block(userId: UserId): Promise<void> {
    this.#checkRunning();
    await this.#blockList.block(userId);
  }

  /**
   * Takes somebody back who was blocked. What they sent meanwhile is gone.
   * @throws {SottoError} `argument-invalid`, `not-registered`, `session-ended`
   */
  async unblock(userId: UserId): Promise<void> {
    this.#checkRunning();
    await this.#blockList.unblock(userId);
  }

  /** Whom this user has blocked, the last one first. */
  async blocked(): Promise<readonly BlockedPerson[]> {
    this.#checkRunning();
    return this.#blockList.list();
  }

  /**
   * Finishes what is being committed, closes the connection and the store, and leaves nothing behind. Idempotent.
   *
   * From the call on everything else that is asked of this client, of its parts and of its chats fails with `client-stopped`: by a rejection where a promise is given, also before arguments are looked at. What it counted can still be read.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(): Promise<void> {
    this.#ending.abort(clientStopped());
    try {
      await this.#parts.tokens.stop();
      await Promise.all([this.#parts.contactNumbers.stop(), this.#parts.memberProfiles.stop()]);
      await this.#parts.rotation.stop();
      await this.#messaging.stop();
      await this.#hub.stop();
      await this.#executor.stop();
    } finally {
      await this.#store.close();
    }
  }

  #checkRunning(): void {
    if (this.#stopping !== undefined) throw clientStopped();
  }

  #stateChanged(change: ConnectionChange): void {
    const hasEnded = change.state === 'ended' && change.reason !== 'not-registered';
    this.#connectionEnd = hasEnded ? (sessionEndOf(change.reason) ?? 'session-ended') : undefined;
    this.#hub.passing({ type: 'connection.changed', ...change });
    if (change.state !== 'ended') return;
    this.#accountChanged().catch((error: unknown) => this.#failed(error));
  }

  /** Something in the background failed. When the store belongs to another owner now this client ends, and its event loops throw why; else the connection is made anew after a while. */
  #failed(error: unknown): void {
    const code = error instanceof SottoError ? error.code : 'internal';
    if (this.#stopping !== undefined) return;
    if (code === 'session-ended') {
      // Nothing is to be made anew: the connection finds the same end, and says so.
      this.#platform.logger.info('client.session-ended');
      this.#current.load().catch((cause: unknown) => this.#failed(cause));
      return;
    }
    this.#platform.logger.error('client.failed', { code });
    if (isFatal(error)) {
      this.#hub.fail(error);
      this.stop().catch((cause: unknown) => {
        this.#platform.logger.error('client.stop-failed', {
          code: cause instanceof SottoError ? cause.code : 'internal',
        });
      });
    } else {
      this.#messaging.restart();
    }
  }
}
