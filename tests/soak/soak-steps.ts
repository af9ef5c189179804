import {
  clientDeviceSteps,
  clientGroupSteps,
  clientMessageSteps,
  clientPrekeySteps,
  clientRegistrationSteps,
  clientTokenSteps,
  consumerStep,
  relayDeviceSteps,
  relayGroupSteps,
  relayMessageSteps,
  relayPrekeySteps,
  relayRegistrationSteps,
  relayTokenSteps,
} from '../crash/steps.ts';

/** Every step at which a client is ended, but those of a deletion (the accounts of a soak stay; tests/crash ends both sides there): what happens all the time last, what has to be led to first. */
export const clientSteps: readonly string[] = [
  ...clientRegistrationSteps,
  ...clientPrekeySteps,
  ...clientTokenSteps,
  ...clientDeviceSteps,
  ...clientGroupSteps,
  ...clientMessageSteps,
  consumerStep,
];

/** Every step at which the relay is ended, but those of a deletion. */
export const relaySteps: readonly string[] = [
  ...relayRegistrationSteps,
  ...relayPrekeySteps,
  ...relayTokenSteps,
  ...relayDeviceSteps,
  ...relayGroupSteps,
  ...relayMessageSteps,
];

const registrationSteps: ReadonlySet<string> = new Set([
  ...clientRegistrationSteps,
  ...relayRegistrationSteps,
  ...relayPrekeySteps,
]);
const prekeySteps: ReadonlySet<string> = new Set(clientPrekeySteps);
const tokenSteps: ReadonlySet<string> = new Set([...clientTokenSteps, ...relayTokenSteps]);
const deviceSteps: ReadonlySet<string> = new Set([...clientDeviceSteps, ...relayDeviceSteps]);
const groupSteps: ReadonlySet<string> = new Set([...clientGroupSteps, ...relayGroupSteps]);

/** What leads to a step. */
export type Provocation = 'newcomer' | 'old-prekeys' | 'old-tokens' | 'revocation' | 'group-change' | 'none';

/** What leads to steps of one kind: messages are on their way all the time, the rest has to be brought about. */
export function provocationOf([step = '']: readonly string[]): Provocation {
  if (registrationSteps.has(step)) return 'newcomer';
  if (prekeySteps.has(step)) return 'old-prekeys';
  if (deviceSteps.has(step)) return 'revocation';
  if (groupSteps.has(step)) return 'group-change';
  return tokenSteps.has(step) ? 'old-tokens' : 'none';
}
