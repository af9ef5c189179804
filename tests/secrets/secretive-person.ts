import { randomInt, randomUUID } from 'node:crypto';
import { fromBase64Url } from '@sotto/proto';
import { Client, type ClientOptions } from '@sotto/sdk';
import { memoryStore } from '@sotto/storage-adapters/memory';
import { observedStore } from '../led/observed-store.ts';
import { RelayProxy } from '../network/relay-proxy.ts';
import { bytesCanary, type Canary, textCanary } from './canary.ts';
import type { RelayCommand } from './relay-command.ts';

/** Somebody whose every secret is known to the test, with a client whose bytes on the wire and log lines are kept. */
export class SecretivePerson {
  readonly number = `+1415555${String(randomInt(10_000)).padStart(4, '0')}`;
  readonly username = `Ada ${randomUUID().slice(0, 18)}`;
  readonly log: string[] = [];
  readonly userIds: string[] = [];
  /** Secrets that the relay is given, and has to forget or hide. */
  readonly told: Canary[] = [
    textCanary('number', this.number.slice(1)),
    textCanary('national number', this.number.slice(2)),
  ];
  /** Secrets that never leave the device in clear. */
  readonly kept: Canary[] = [textCanary('username', this.username)];
  readonly #proxy: RelayProxy;
  readonly #store = memoryStore();
  #clockAhead = 0;
  #client: Client | undefined;
  #observed = observedStore(this.#store, () => undefined);

  readonly #options: Partial<ClientOptions>;

  private constructor(proxy: RelayProxy, options: Partial<ClientOptions>) {
    this.#proxy = proxy;
    this.#options = options;
  }

  static async register(
    relay: Pick<RelayCommand, 'url' | 'codeFor'>,
    options: Partial<ClientOptions> = {},
  ): Promise<SecretivePerson> {
    const person = new SecretivePerson(await RelayProxy.open(relay.url), options);
    const client = await person.open();
    const { recoveryKey, userId } = await client.register({
      phone: person.number,
      profile: { username: person.username },
      code: () => relay.codeFor(person.number),
    });
    person.userIds.push(userId);
    person.kept.push(textCanary('recovery key', recoveryKey));
    await person.noteKeys();
    return person;
  }

  get client(): Client {
    if (this.#client === undefined) throw new Error('the client is not open');
    return this.#client;
  }

  /** What its client keeps. */
  get store() {
    return this.#observed.store();
  }

  async open(): Promise<Client> {
    const log = (level: string) => (event: string, fields?: object) =>
      void this.log.push(`${level} ${event} ${JSON.stringify(fields ?? {})}`);
    this.#client = await Client.open({
      ...this.#options,
      relay: this.#proxy.url,
      store: this.#observed.opener,
      platform: {
        clock: { now: () => Date.now() + this.#clockAhead },
        logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
      },
    });
    return this.#client;
  }

  /** Has the access token replaced, as an hour later, and takes note of the new tokens. */
  async refreshTokens(): Promise<void> {
    this.#clockAhead += 2 * 3_600_000;
    await this.client.profile.set({ username: this.username });
    await this.noteKeys();
  }

  /** Takes note of all secrets of the account as they are now. */
  async noteKeys(): Promise<void> {
    const account = await this.#observed.store().get('account', {});
    if (account?.rootSecret === undefined) throw new Error('there is no account with a root secret');
    this.told.push(
      bytesCanary('access token', fromBase64Url(account.accessToken)),
      bytesCanary('refresh token', account.refreshToken),
    );
    this.kept.push(
      bytesCanary('root secret', account.rootSecret),
      bytesCanary('profile key', account.profileKey),
      bytesCanary('device key', account.devicePrivateKey),
      // libsignal's form: the public key, then the 32 bytes of the private one.
      bytesCanary('identity key', account.identityKeyPair.subarray(-32)),
    );
  }

  /** What passed between the client and the relay. */
  wire(): readonly Buffer[] {
    return this.#proxy.captured();
  }

  async end(): Promise<void> {
    await this.#client?.stop();
    await this.#proxy[Symbol.asyncDispose]();
  }
}
