import { randomBytes } from 'node:crypto';
import { ClientFrames, ServerFrames } from '@sotto/proto';
import { WebSocket } from 'ws';
import type { Person } from '../journeys/person.ts';

/** A device that asks the relay for everything that it would give, and acks nothing. */
export class RawDevice {
  readonly #url: string;
  #refreshToken: string;

  private constructor(url: string, refreshToken: string) {
    this.#url = url;
    this.#refreshToken = refreshToken;
  }

  /** Stops a person and takes their session over: their client can't be used any more. */
  static async inPlaceOf(person: Person, url: string): Promise<RawDevice> {
    const account = await person.observed.store().get('account', {});
    if (account === undefined) throw new Error(`${person.phone} has no account`);
    await person.stop();
    return new RawDevice(url, Buffer.from(account.refreshToken).toString('base64url'));
  }

  /** The envelopes that a stream gives until it says that this is all. */
  async stored(): Promise<readonly Uint8Array[]> {
    const token = await this.#accessToken();
    const envelopes: Uint8Array[] = [];
    const socket = new WebSocket(`${this.#url.replace('http', 'ws')}/v1/stream`, {
      headers: { authorization: `Bearer ${token}` },
    });
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', () => resolve());
      socket.on('open', () => {
        const hello = { protocolMin: 1, protocolMax: 1, capabilities: [], agent: 'raw' };
        socket.send(ClientFrames.encode({ frames: [{ hello }] }));
      });
      socket.on('message', (bytes: Buffer) => {
        for (const frame of ServerFrames.decode(bytes).frames) {
          if (frame.deliver?.envelope) envelopes.push(frame.deliver.envelope.slice());
          if (frame.queueEmpty) socket.close(1000);
        }
      });
    });
    return envelopes;
  }

  /** Everything that HTTP gives for reading: each path of the served description, with each of the ids. */
  async readable(userIds: readonly string[]): Promise<Buffer> {
    const token = await this.#accessToken();
    const described = await fetch(`${this.#url}/v1/openapi.json`);
    const { paths } = (await described.json()) as { readonly paths: Readonly<Record<string, object>> };
    const readable = Object.entries(paths).flatMap(([path, methods]) => ('get' in methods ? [path] : []));
    const answers = readable.flatMap((path) =>
      (path.includes('{') ? userIds : ['']).map(async (id) => {
        const answer = await fetch(this.#url + path.replace(/\{\w+\}/, id), {
          headers: { authorization: `Bearer ${token}` },
        });
        return Buffer.from(await answer.arrayBuffer());
      }),
    );
    return Buffer.concat(await Promise.all(answers));
  }

  async #accessToken(): Promise<string> {
    const nextRefreshToken = randomBytes(32).toString('base64url');
    const answer = await fetch(`${this.#url}/v1/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refreshToken: this.#refreshToken, nextRefreshToken }),
    });
    if (!answer.ok) throw new Error(`the relay gave no token: ${answer.status}`);
    this.#refreshToken = nextRefreshToken;
    return ((await answer.json()) as { readonly accessToken: string }).accessToken;
  }
}
