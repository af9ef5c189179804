import { randomBytes } from 'node:crypto';
import {
  CiphertextKind,
  type SealedMultiSendFields,
  SealedMultiSends,
  SealedResults,
  type SealedSendFields,
  SealedSends,
  toBase64Url,
  uuidToBytes,
} from '@sotto/proto';
import { call, type RawAccount, type RawAnswer, type RawRelay, register } from './raw-client.ts';
import type { TestRelay } from './test-relay.ts';

/** An account that may be written to by whoever has its access key. */
export interface SealedAccount extends RawAccount {
  readonly accessKey: Uint8Array;
}

/** Registers a number with an access key. */
export async function registerWithKey(
  relay: Pick<TestRelay, 'url' | 'codeFor'>,
  number: string,
): Promise<SealedAccount> {
  const accessKey = randomBytes(16);
  const account = await register(relay, number, (request) => ({ ...request, accessKey: toBase64Url(accessKey) }));
  return { ...account, accessKey };
}

/** A sealed send to the one device of an account. */
export function sealedSend(to: RawAccount, changes: Partial<SealedSendFields> = {}): SealedSendFields {
  const { registrationId } = to.keys;
  const kind = CiphertextKind.CIPHERTEXT_KIND_SEALED;
  return {
    sendId: randomBytes(16),
    suite: 1,
    attempt: 1,
    deviceListVersion: 1,
    devices: [{ deviceId: 1, registrationId, kind, ciphertext: randomBytes(200) }],
    ...changes,
  };
}

/** Posts sealed sends to one account. */
export function postSealed(
  relay: RawRelay,
  to: SealedAccount,
  sends: readonly SealedSendFields[],
  accessKey = to.accessKey,
): Promise<RawAnswer<Uint8Array>> {
  const body = SealedSends.encode({ userId: uuidToBytes(to.keys.userId), accessKey, sends: [...sends] });
  return call(relay, 'POST', '/v1/sealed', { body });
}

/** Posts sealed messages to many accounts each. */
export function postMulti(relay: RawRelay, ...sends: readonly SealedMultiSendFields[]): Promise<RawAnswer<Uint8Array>> {
  return call(relay, 'POST', '/v1/sealed/multi', { body: SealedMultiSends.encode({ sends: [...sends] }) });
}

/** The results in an answer that is none of a refusal. */
export async function resultsOf(answer: Promise<RawAnswer<Uint8Array>>): Promise<SealedResults['results']> {
  const { status, body } = await answer;
  if (status !== 200) throw new Error(`refused with ${status}: ${JSON.stringify(body)}`);
  return SealedResults.decode(body).results;
}

/** What became of each send: a status, or the code of a refusal. */
export async function outcomesOf(answer: Promise<RawAnswer<Uint8Array>>): Promise<unknown[]> {
  return (await resultsOf(answer)).map(({ refused, recipients }) => refused?.code ?? recipients?.[0]?.status);
}
