import { Deletion } from '../src/accounts/deletion.ts';
import { Profiles } from '../src/accounts/profile.ts';
import { Registration } from '../src/accounts/registration.ts';
import { Tokens } from '../src/accounts/tokens.ts';
import type { MemoryDisk } from '../src/adapters/memory/memory-disk.ts';
import { defaultPlatform } from '../src/platform/platform.node.ts';
import { PrekeyMaintenance } from '../src/prekeys/maintenance.ts';
import { authorizedClient } from '../src/transport/authorized-client.ts';
import { httpClient } from '../src/transport/http-client.ts';
import { AccountService } from './account-service.ts';
import { ManualTimers } from './manual-timers.ts';
import type { MovingClock } from './moving-clock.ts';
import { openExecutor } from './open-executor.ts';
import { scriptedRelay } from './scripted-relay.ts';

/** The account part of a client on a memory store, with a scripted relay. `restart` opens the same disk anew, as after a crash. */
export async function accountClient(before?: { service: AccountService; disk: MemoryDisk; clock: MovingClock }) {
  const service = before?.service ?? new AccountService();
  const relay = await scriptedRelay(service.answer);
  const opened = await openExecutor(before?.disk, before?.clock);
  const { executor, store, clock, disk } = opened;
  const { randomness, sha256, fetch } = defaultPlatform();
  const warnings: string[] = [];
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (event: string) => warnings.push(event),
    error: (event: string) => warnings.push(event),
  };
  const tracer = { reached: (step: (typeof opened.steps)[number]) => opened.steps.push(step) };
  const anonymous = httpClient({ address: relay.address, fetch, timers: new ManualTimers() });
  const tokens = new Tokens({ executor, http: anonymous, clock, randomness, tracer });
  const http = authorizedClient(anonymous, tokens);
  const profiles = new Profiles({
    executor,
    http,
    clock,
    randomness,
    sha256,
    // There is no other device that could be told.
    origin: () => {
      throw new Error('this account has one device');
    },
    onQueued: () => undefined,
    assertRunning: () => undefined,
  });
  const registration = new Registration({
    executor,
    queries: store,
    http: anonymous,
    profiles,
    clock,
    randomness,
    sha256,
    logger,
    tracer,
  });
  const deletion = new Deletion({
    executor,
    queries: store,
    http: anonymous,
    tokens,
    sha256,
    tracer,
    leaveGroups: async () => undefined,
  });
  const maintenance = new PrekeyMaintenance({
    executor,
    queries: store,
    http,
    clock,
    randomness,
    logger,
    tracer,
  });
  const account = () => store.get('account', {});
  const close = async () => {
    await tokens.stop();
    await maintenance.stop();
    await executor.stop();
    await store.close();
    await relay[Symbol.asyncDispose]();
  };
  return {
    ...opened,
    service,
    relay,
    anonymous,
    http,
    tokens,
    profiles,
    registration,
    deletion,
    maintenance,
    warnings,
    account,
    register: (more: Partial<Parameters<Registration['register']>[0]> = {}) =>
      registration.register({
        phone: '+1 415 555 0101',
        profile: { username: 'Alice' },
        code: () => service.code,
        ...more,
      }),
    /** What is gone with the process is gone; the disk stays. */
    async restart() {
      await close();
      return accountClient({ service, disk, clock });
    },
    [Symbol.asyncDispose]: close,
  };
}
