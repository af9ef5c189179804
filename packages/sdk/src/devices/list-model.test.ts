import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AcceptList,
  acceptAnything,
  acceptAnyVersion,
  acceptAsIs,
  acceptUnheard,
  listProperty,
} from '../../test/list-model.ts';

const plain = { stolen: false, revokes: false };

describe('contacts of an account, against a malicious relay', () => {
  it('believe one root key, go back to no list, and send to none that its owner denies [security: device-injection]', async () => {
    let [accepted, blocked] = [0, 0];
    const property = listProperty(acceptAsIs, plain, (model) => {
      accepted += model.accepted;
      blocked += model.blocked;
    });
    await fc.assert(property, { numRuns: 2_000 });
    expect(accepted).toBeGreaterThan(1_000);
    expect(blocked).toBeGreaterThan(1_000);
  }, 120_000);

  it('send to none that its owner denies when a device is revoked, too [security: device-injection]', async () => {
    await fc.assert(listProperty(acceptAsIs, { stolen: false, revokes: true }), { numRuns: 1_000 });
  }, 120_000);

  it.each([
    ['the root key was stolen', { stolen: true, revokes: false }],
    ['both has happened', { stolen: true, revokes: true }],
  ])('believe one root key and go back to no list when %s [security: device-injection]', async (_, world) => {
    await fc.assert(listProperty(acceptAsIs, world), { numRuns: 500 });
  });

  it.each<[string, AcceptList, string]>([
    ['a look at the root key', acceptAnything, 'another root key was believed'],
    ['a look at the version', acceptAnyVersion, 'a list was rolled back'],
    [
      'an ear for their owner',
      acceptUnheard,
      'something would be sent to devices of which the owner has said otherwise',
    ],
  ])('are found out by this model when they take lists over without %s', async (_, accept, finding) => {
    const report = await fc.check(listProperty(accept, plain), { numRuns: 500, endOnFailure: true, seed: 1 });
    expect(report.failed).toBe(true);
    expect(String(report.errorInstance)).toContain(finding);
  });
});
