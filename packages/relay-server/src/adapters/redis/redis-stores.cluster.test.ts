import { describe, expect, it } from 'vitest';
import { runningEngines } from '../../../test/engines.ts';
import { deviceCodeStoreConformance } from '../../conformance/device-code-store.ts';
import { linkStoreConformance } from '../../conformance/link-store.ts';
import { presenceConformance } from '../../conformance/presence.ts';
import { rateLimiterConformance } from '../../conformance/rate-limiter.ts';
import { ticketStoreConformance } from '../../conformance/ticket-store.ts';
import { verificationStoreConformance } from '../../conformance/verification-store.ts';
import { redisHarness } from './redis-harness.ts';

describe('redis', () => {
  const runner = { describe, it, expect };
  const maker = redisHarness(runningEngines().redis.url);
  presenceConformance(runner, maker);
  rateLimiterConformance(runner, maker);
  ticketStoreConformance(runner, maker);
  deviceCodeStoreConformance(runner, maker);
  linkStoreConformance(runner, maker);
  verificationStoreConformance(runner, maker);
});
