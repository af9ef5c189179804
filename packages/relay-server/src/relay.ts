import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { AccountCommands } from './accounts/account-commands.ts';
import { accountRoutes } from './accounts/account-routes.ts';
import { Directory } from './accounts/directory.ts';
import { Recoveries } from './accounts/recoveries.ts';
import { registrationRoutes } from './accounts/registration-routes.ts';
import { Registrations } from './accounts/registrations.ts';
import { RelayKey } from './accounts/relay-key.ts';
import { userRoutes } from './accounts/user-routes.ts';
import { Verifications } from './accounts/verifications.ts';
import { randomUuid } from './auth/random-uuid.ts';
import { requestSessions } from './auth/require-session.ts';
import { authRoutes } from './auth/routes.ts';
import { Sessions } from './auth/sessions.ts';
import { Avatars } from './blobs/avatars.ts';
import { groupAvatarRoutes } from './blobs/group-avatar-routes.ts';
import { GroupAvatars } from './blobs/group-avatars.ts';
import { avatarRoutes } from './blobs/routes.ts';
import type { RelayConfig } from './config/relay-config.ts';
import { DeviceRegistrations } from './devices/device-registrations.ts';
import { LastSeen } from './devices/last-seen.ts';
import { LinkWaits } from './devices/link-waits.ts';
import { Linkings } from './devices/linkings.ts';
import { OwnDevices } from './devices/own-devices.ts';
import { deviceRoutes } from './devices/routes.ts';
import { ConnectedDevices } from './dispatch/connected-devices.ts';
import type { DeviceReach } from './dispatch/device-reach.ts';
import { LocalReach } from './dispatch/local-reach.ts';
import { presenceClaims, type StreamClaims } from './dispatch/stream-claims.ts';
import { proxyTrust } from './gateway/client-address.ts';
import { ConnectionCaps } from './gateway/connection-caps.ts';
import { EngineChecks } from './gateway/engine-checks.ts';
import { httpServer } from './gateway/http-server.ts';
import { serviceRoutes } from './gateway/service-routes.ts';
import { Streams } from './gateway/streams.ts';
import { Upgrades } from './gateway/upgrade.ts';
import { GroupLog } from './groups/group-log.ts';
import { GroupRoster } from './groups/group-roster.ts';
import { groupRoutes } from './groups/routes.ts';
import { Bundles } from './keys/bundles.ts';
import { keyRoutes } from './keys/routes.ts';
import { Limits } from './limits/limits.ts';
import { limitRequests } from './limits/request-limits.ts';
import { SendLimits } from './limits/send-limits.ts';
import { Headroom } from './mailbox/headroom.ts';
import { Ingress } from './mailbox/ingress.ts';
import { Sweeper } from './mailbox/sweeper.ts';
import { type RelayCounts, relayCounts } from './metrics/relay-counts.ts';
import { closeEach } from './platform/close-each.ts';
import type { ChallengeCheck } from './ports/challenge-check.ts';
import type { Clock } from './ports/clock.ts';
import type { EngineCheck } from './ports/cluster-engines.ts';
import type { CodeSender } from './ports/code-sender.ts';
import type { UserId } from './ports/ids.ts';
import type { Logger } from './ports/logger.ts';
import type { Metrics } from './ports/metrics.ts';
import type { Randomness } from './ports/randomness.ts';
import type { RelayAddress, RelayListener } from './ports/relay-listener.ts';
import type { RelayStores } from './ports/relay-stores.ts';
import type { Timers } from './ports/timers.ts';
import type { Tracer } from './ports/tracer.ts';
import { RelayError } from './relay-error.ts';
import { relayVersion } from './relay-version.ts';
import { CertificateAuthority, trustRootOf } from './sealed/certificate-authority.ts';
import { sealedRoutes } from './sealed/routes.ts';
import { SealedIngress } from './sealed/sealed-ingress.ts';

/** All that a relay is made of. */
export interface RelayParts {
  readonly config: RelayConfig;
  readonly stores: RelayStores;
  /** The relay's own secret, 32 bytes: numbers are hashed and encrypted under it. */
  readonly relayKey: Uint8Array;
  /** The private key that certificates of sealed senders come from, 32 bytes; without one it is made from `relayKey`. */
  readonly trustRoot?: Uint8Array | undefined;
  readonly codeSender: CodeSender;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  readonly tracer: Tracer;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Asked before each verification code; without one no challenge is asked for. */
  readonly challengeCheck?: ChallengeCheck;
  /** Where connections come from in place of a TCP port: then `host` and `port` of the settings are not used. */
  readonly listener?: RelayListener;
  /** Engines without which it can not serve: `/readyz` asks them, and names those that do not answer. */
  readonly checks?: readonly EngineCheck[];
  /** For a relay that is one of several nodes on the same stores; without it, it is alone. */
  readonly node?: RelayNode;
}

/** What a relay is given that shares its stores with other nodes. */
export interface RelayNode {
  /** Made of `metrics`. */
  readonly counts: RelayCounts;
  readonly connected: ConnectedDevices;
  readonly claims: StreamClaims;
  readonly linkWaits: LinkWaits;
  readonly reach: DeviceReach;
}

/** A relay: started once, stopped once. */
export interface Relay extends AsyncDisposable {
  /** @throws {RelayError} `config-invalid` when host and port can't be listened on */
  start(): Promise<RelayAddress>;
  /** Drains: refuses what is new, answers what it has, closes the streams, then the stores. Idempotent; afterwards nothing keeps the process alive. */
  stop(): Promise<void>;
}

const retryAfterDrainMs = 1_000;
const drainGraceMs = 10_000;
/** What a node has handed out that another stream of the device did not ack comes again by then. */
const catchUpMs = 10_000;
/** A node of a cluster takes itself out after an append that failed, but not for good: sends go to nodes that are ready, and only a send can tell that it works again. */
const appendDoubtMs = 30_000;

/** Assembles a relay. */
export function createRelay(parts: RelayParts): Relay {
  const { config, stores, clock, timers, randomness, tracer, logger, metrics } = parts;
  const counts = parts.node?.counts ?? relayCounts(metrics);
  const key = new RelayKey(parts.relayKey, randomness);
  const authority = new CertificateAuthority(parts.trustRoot ?? trustRootOf(parts.relayKey), clock);
  const connected = parts.node?.connected ?? new ConnectedDevices();
  const reach = parts.node?.reach ?? new LocalReach(connected, counts);
  const linkWaits = parts.node?.linkWaits ?? new LinkWaits(timers);
  const claims = parts.node?.claims ?? presenceClaims(stores.presence, randomUuid(randomness));
  const isShared = parts.node !== undefined;
  const directory = new Directory(stores.accounts, isShared ? 0 : undefined);
  const lastSeen = new LastSeen({ ...stores, ...config.accounts, directory, connected, reach, clock });
  const roster = new GroupRoster(stores.groups, isShared ? 'others-too' : 'alone');
  const limits = new Limits(stores.rateLimiter, config.limits);
  const engines = parts.checks && new EngineChecks({ checks: parts.checks, clock, timers, logger });
  const trust = proxyTrust(config.trustedProxies);
  const caps = new ConnectionCaps(config.connections, counts, trust);
  const sessions = new Sessions({ ...stores, ...config.tokens, reach, clock, randomness });
  const avatars = new Avatars(stores.blobs);
  const quota = {
    count: config.mailbox.quotaCount,
    bytes: config.mailbox.quotaBytes,
    strangerCount: config.mailbox.strangerQuotaCount,
    strangerBytes: config.mailbox.strangerQuotaBytes,
  };
  const ingress = new Ingress({
    mailbox: stores.mailbox,
    directory,
    roster,
    headroom: isShared ? undefined : new Headroom(stores.mailbox, quota),
    limits: new SendLimits(clock, config.limits),
    reach,
    clock,
    counts,
    logger,
    quota,
    retentionMs: config.mailbox.retentionMs,
  });
  const streams = new Streams({
    ingress,
    reach,
    directory,
    lastSeen,
    mailbox: stores.mailbox,
    tokens: stores.tokens,
    prekeys: stores.prekeys,
    claims,
    connected,
    clock,
    timers,
    tracer,
    logger,
    counts,
    stream: config.stream,
    limits: config.limits,
    catchUpMs: isShared ? catchUpMs : 0,
  });
  let isDraining = false;
  const upgrades = new Upgrades({
    sessions,
    allowedOrigins: config.allowedOrigins,
    stream: config.stream,
    counts,
    logger,
    limits,
    caps,
    trust,
    clock,
    isDraining: () => isDraining,
    open: (socket, device) => streams.open(socket, device),
  });
  const groupAvatars = new GroupAvatars({ ...stores, roster, limits, clock });
  const sweeper = new Sweeper({
    stores,
    avatars,
    groupAvatars,
    lastSeen,
    clock,
    timers,
    logger,
    counts,
    sweepEveryMs: config.mailbox.sweepEveryMs,
    scrubEveryMs: config.mailbox.scrubEveryMs,
  });
  const verifications = new Verifications({
    store: stores.verifications,
    sender: parts.codeSender,
    key,
    limits,
    clock,
    timers,
    randomness,
    logger,
    codes: config.codes,
    countries: config,
    counts,
    challengeCheck: parts.challengeCheck,
  });
  const registrations = new Registrations({
    accounts: stores.accounts,
    verifications,
    sessions,
    key,
    clock,
    lockIdleMs: config.accounts.lockIdleMs,
    onReplaced: endAccount,
    forgetAvatar: (userId) => logFailed([avatars.delete(userId)]),
  });
  const recoveries = new Recoveries({ accounts: stores.accounts, verifications });
  const mostDevices = 1 + config.accounts.linkedDevices;
  const ownDevices = new OwnDevices({ ...stores, directory, reach, mostDevices });
  const deviceRegistrations = new DeviceRegistrations({
    ...stores,
    ...config.accounts,
    sessions,
    directory,
    clock,
    randomness,
    mostDevices,
    onListChanged: (by, list) => ownDevices.tellOthers(by, list),
  });
  const linkings = new Linkings({
    ...stores,
    ...config.accounts,
    clock,
    waits: linkWaits,
    randomness,
    onLeft: (linkId) => reach.linkLeft(linkId),
  });
  const commands = new AccountCommands({
    control: stores.control,
    directory,
    verifications,
    key,
    clock,
    lockIdleMs: config.accounts.lockIdleMs,
    onEnded: endAccount,
  });
  let app: FastifyInstance | undefined;
  let started = false;
  let starting: Promise<RelayAddress> | undefined;
  let stopping: Promise<void> | undefined;

  /** Its rows are gone already, and stay so whatever fails here: an avatar that could not be deleted is swept later. */
  async function endAccount(userId: UserId): Promise<void> {
    directory.forget(userId);
    roster.forgetUser(userId);
    reach.end(userId, { which: 'but', deviceIds: [] });
    await logFailed([stores.tickets.revoke(userId), stores.deviceCodes.revoke(userId), avatars.delete(userId)]);
  }

  async function logFailed(endings: readonly Promise<void>[]): Promise<void> {
    for (const ending of await Promise.allSettled(endings)) {
      if (ending.status === 'fulfilled') continue;
      const { reason } = ending;
      logger.error('account.ending-failed', { code: reason instanceof RelayError ? reason.code : 'internal' });
    }
  }

  /** Gives the names of engines that are missing, and can be spared. */
  async function checkReady(): Promise<readonly string[]> {
    if (isDraining) {
      throw new RelayError('draining', 'The relay is going down.', {
        retryable: true,
        retryAfterMs: retryAfterDrainMs,
      });
    }
    const missing = await (engines === undefined ? checkStore() : checkEngines(engines));
    const since = engines === undefined ? undefined : clock.now() - appendDoubtMs;
    if (!ingress.failedAfter(since)) return missing;
    throw new RelayError('store-unavailable', 'The store takes no mail.', { retryable: true });
  }

  async function checkStore(): Promise<readonly string[]> {
    try {
      await stores.accounts.byNumbers([]);
      return [];
    } catch (cause) {
      throw new RelayError('store-unavailable', 'The store does not answer.', { retryable: true, cause });
    }
  }

  async function checkEngines(engines: EngineChecks): Promise<readonly string[]> {
    const missing = await engines.missing();
    const spared = parts.checks?.filter((check) => check.spared).map(({ engine }) => engine) ?? [];
    if (missing.every((engine) => spared.includes(engine))) return missing;
    throw new RelayError('store-unavailable', `Does not answer: ${missing.join(', ')}.`, { retryable: true });
  }

  async function start(): Promise<RelayAddress> {
    app = await httpServer({
      allowedOrigins: config.allowedOrigins,
      version: relayVersion,
      logger,
      connections: config.connections,
      trust,
    });
    caps.guard(app.server);
    const requests = requestSessions(sessions);
    limitRequests(app, { limits, requests, counts });
    const bundles = new Bundles({ prekeys: stores.prekeys, directory, limits, reach });
    const { trustRoot } = authority;
    serviceRoutes(app, { config, version: relayVersion, trustRoots: [trustRoot], metrics, checkReady });
    registrationRoutes(app, { verifications, registrations, codes: config.codes, counts });
    accountRoutes(app, requests, { commands, recoveries });
    authRoutes(app, sessions, requests);
    keyRoutes(app, requests, { prekeys: stores.prekeys, bundles, directory, reach });
    userRoutes(app, requests, { ...stores, directory, avatars, limits, key });
    deviceRoutes(app, requests, { ownDevices, deviceRegistrations, linkings });
    avatarRoutes(app, requests, avatars, directory);
    groupAvatarRoutes(app, requests, groupAvatars);
    groupRoutes(app, requests, { ...stores, log: new GroupLog({ ...stores, roster, directory, limits, clock }) });
    const sealed = new SealedIngress({ ingress, directory, limits, counts });
    const bodyBytes = config.stream.maxMessageBytes;
    sealedRoutes(app, requests, { authority, sealed, directory, bodyBytes, tracer: parts.tracer });
    app.server.on('upgrade', (request, socket, head) => upgrades.handle(request, socket, head));
    const address = await (parts.listener === undefined ? listen(app) : handIn(app, parts.listener));
    streams.start();
    sweeper.start();
    started = true;
    logger.info('relay.started', { port: address.port });
    return address;
  }

  async function handIn(app: FastifyInstance, listener: RelayListener): Promise<RelayAddress> {
    await app.ready();
    return listener.listen((connection) => app.server.emit('connection', connection));
  }

  async function listen(app: FastifyInstance): Promise<RelayAddress> {
    try {
      await app.listen({ host: config.host, port: config.port });
    } catch (cause) {
      const where = `${config.host} port ${config.port}`;
      throw new RelayError('config-invalid', `can not listen on ${where}: ${listenAdvice(cause)}.`, { cause });
    }
    const { port } = app.server.address() as AddressInfo;
    const host = config.host.includes(':') ? `[${config.host}]` : config.host;
    return { port, url: `http://${host}:${port}` };
  }

  async function stop(): Promise<void> {
    isDraining = true;
    await starting?.catch(() => undefined);
    await closeEach([
      () => parts.listener?.close(),
      () => linkWaits.stop(),
      () => upgrades.settled(),
      () => streams.drain(retryAfterDrainMs, drainGraceMs),
      () => sweeper.stop(),
      () => app?.close(),
      () => stores.close(),
    ]);
    if (started) logger.info('relay.stopped');
  }

  return {
    start: () => (starting ??= start()),
    stop: () => (stopping ??= stop()),
    [Symbol.asyncDispose]() {
      return this.stop();
    },
  };
}

/** What an operator can do when host and port were not given to the relay. */
function listenAdvice(cause: unknown): string {
  switch (cause instanceof Error && 'code' in cause ? cause.code : undefined) {
    case 'EADDRNOTAVAIL':
      return 'this is no address of this machine, so choose one that is';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'this host name is not known, so choose an address of this machine';
    case 'EACCES':
      return 'the relay may not use this port, so choose one above 1023';
    default:
      return 'free it, or choose another host or port';
  }
}
