import type { RelayStep } from '@sotto/relay-server/ports';
import type { ClientStep } from '@sotto/sdk/ports';

/** Every step is tried with each of these. */
export const seeds = [1, 2, 3, 4, 5] as const;

/** The way of a message and of its receipts, in a client. */
export const clientMessageSteps = [
  'send.committed',
  'seal.before-commit',
  'seal.committed',
  'send.bytes-left',
  'result.before-commit',
  'result.committed',
  'deliver.received',
  'decrypt.before-commit',
  'receive.committed',
  'receipt.queued',
  'ack.left',
] as const satisfies readonly ClientStep[];

/** A step of the test's own: the consumer of events has handled one, and has not told of it yet. */
export const consumerStep = 'event.handled';

/** The way of a message through the relay. */
export const relayMessageSteps = [
  'mailbox.append.before-fsync',
  'mailbox.append.durable',
  'send.result.sent',
  'deliver.sent',
  'ack.received',
  'ack.durable',
] as const satisfies readonly RelayStep[];

export const clientTokenSteps = [
  'token.next-committed',
  'token.answered',
  'token.committed',
] as const satisfies readonly ClientStep[];
export const relayTokenSteps = ['token.durable'] as const satisfies readonly RelayStep[];

export const clientPrekeySteps = [
  'prekeys.committed',
  'prekeys.uploaded',
  'prekeys.recorded',
] as const satisfies readonly ClientStep[];
export const relayPrekeySteps = ['prekeys.durable'] as const satisfies readonly RelayStep[];

export const clientRegistrationSteps = [
  'registration.draft-committed',
  'registration.answered',
  'registration.committed',
] as const satisfies readonly ClientStep[];
export const relayRegistrationSteps = [
  'registration.before-fsync',
  'registration.durable',
] as const satisfies readonly RelayStep[];

export const clientDeletionSteps = [
  'deletion.begun',
  'deletion.answered',
  'deletion.committed',
] as const satisfies readonly ClientStep[];
export const relayDeletionSteps = ['deletion.before-fsync', 'deletion.durable'] as const satisfies readonly RelayStep[];

/** The list of an account's devices, on the device that signs it. */
export const clientDeviceSteps = [
  'device-list.committed',
  'device-list.answered',
  'device-list.taken-over',
] as const satisfies readonly ClientStep[];
export const relayDeviceSteps = [
  'device-list.before-fsync',
  'device-list.durable',
] as const satisfies readonly RelayStep[];

/** A change of a group, on the device of the member who makes it. */
export const clientGroupSteps = [
  'group-change.committed',
  'group-change.answered',
  'group-change.settled',
] as const satisfies readonly ClientStep[];
export const relayGroupSteps = [
  'group-record.before-fsync',
  'group-record.durable',
] as const satisfies readonly RelayStep[];

type Tried<Steps extends readonly string[]> = Steps[number];

/** Compiles only while every step that exists is in one of the tables. */
type Untried =
  | Exclude<
      ClientStep,
      | Tried<typeof clientMessageSteps>
      | Tried<typeof clientTokenSteps>
      | Tried<typeof clientPrekeySteps>
      | Tried<typeof clientRegistrationSteps>
      | Tried<typeof clientDeletionSteps>
      | Tried<typeof clientDeviceSteps>
      | Tried<typeof clientGroupSteps>
    >
  | Exclude<
      RelayStep,
      | Tried<typeof relayMessageSteps>
      | Tried<typeof relayTokenSteps>
      | Tried<typeof relayPrekeySteps>
      | Tried<typeof relayRegistrationSteps>
      | Tried<typeof relayDeletionSteps>
      | Tried<typeof relayDeviceSteps>
      | Tried<typeof relayGroupSteps>
    >;
const nothingUntried: [Untried] extends [never] ? true : Untried = true;
export const everyStepIsTried: boolean = nothingUntried;
