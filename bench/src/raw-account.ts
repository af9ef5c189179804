import type { RegistrationAnswer, VerificationAnswer } from '@sotto/proto';
import { DeviceKeys } from './device-keys.ts';
import type { RelayProcess } from './relay-process.ts';

/** An account of a relay, made over HTTP by hand. */
export interface RawAccount {
  readonly keys: DeviceKeys;
  readonly accessToken: string;
}

/** Registers a number (E.164) with new keys. */
export async function registerRaw(relay: RelayProcess, number: string): Promise<RawAccount> {
  const keys = new DeviceKeys();
  const { verificationId } = await post<VerificationAnswer>(`${relay.url}/v1/verifications`, { number });
  const request = keys.registration(verificationId, await relay.codeFor(number));
  const { accessToken } = await post<RegistrationAnswer>(`${relay.url}/v1/registrations`, request);
  return { keys, accessToken };
}

async function post<Answer>(url: string, body: unknown): Promise<Answer> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const read = await answer.json();
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${JSON.stringify(read)}`);
  return read as Answer;
}
