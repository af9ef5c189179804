import { ClientFrames, ServerFrames } from '@sotto/proto';
import { WebSocket } from 'ws';
import type { FuzzTarget } from '../fuzz-target.ts';
import { someMessage } from '../proto-grammar.ts';
import type { RelayUnderFuzz } from './relay-under-fuzz.ts';

/** Codes with which the relay may end a stream for what a client sent. */
const lawfulCloses = new Set([1008, 1009, 4002, 4005]);
const nonce = new Uint8Array([7, 7, 7]);

/** Messages on an open stream: the relay answers the ping that follows, or ends the stream by a code of its protocol. */
export function streamTarget(relay: RelayUnderFuzz): FuzzTarget {
  let open: WebSocket | undefined;
  return {
    name: 'stream',
    seeds: () => [
      ClientFrames.encode({ frames: [{ ping: { nonce } }, { ack: { deliveryIds: [new Uint8Array(16)] } }] }),
      ClientFrames.encode({
        frames: [{ ephemeral: { userId: relay.known[0] ?? nonce, deviceId: 1, payload: nonce } }],
      }),
      ClientFrames.encode({
        frames: [
          {
            send: {
              sendId: new Uint8Array(16),
              messageId: new Uint8Array(16),
              attempt: 1,
              suite: 1,
              recipients: [
                {
                  userId: relay.known[0] ?? nonce,
                  deviceListVersion: 1,
                  devices: [{ deviceId: 1, registrationId: 1, kind: 1, ciphertext: new Uint8Array(160) }],
                },
              ],
            },
          },
        ],
      }),
    ],
    generate: (random) => someMessage('ClientFrames', random),
    async run(input) {
      open ??= await openStream(relay);
      open.send(input);
      if (await answersPing(open)) return;
      open = undefined;
    },
    settle: () => relay.stillServes(),
    async [Symbol.asyncDispose]() {
      open?.terminate();
    },
  };
}

function openStream({ url, token }: RelayUnderFuzz): Promise<WebSocket> {
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/stream`, { headers });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', (code) => reject(new Error(`the relay closed a new stream: ${code}`)));
    socket.once('open', () => {
      const hello = { protocolMin: 1, protocolMax: 1, capabilities: [], agent: 'fuzz' };
      socket.send(ClientFrames.encode({ frames: [{ hello }] }));
      socket.once('message', () => {
        socket.removeAllListeners();
        // Errors of a socket show as its close.
        socket.on('error', () => socket.terminate());
        resolve(socket);
      });
    });
  });
}

/** Whether the stream goes on; rejects when it ended in a way that the protocol does not know. */
function answersPing(socket: WebSocket): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onMessage = (bytes: Buffer) => {
      const { frames } = ServerFrames.decode(bytes);
      const failure = frames.find(({ error, sendResult }) => (error ?? sendResult?.refused)?.code === 'internal');
      if (failure !== undefined) settle(() => reject(new Error('the relay answered with internal')));
      else if (frames.some(({ pong }) => pong && Buffer.compare(pong.nonce ?? nonce.subarray(1), nonce) === 0)) {
        settle(() => resolve(true));
      }
    };
    const onClose = (code: number) =>
      settle(() => (lawfulCloses.has(code) ? resolve(false) : reject(new Error(`closed with ${code}`))));
    const settle = (done: () => void) => {
      socket.off('message', onMessage);
      socket.off('close', onClose);
      done();
    };
    socket.on('message', onMessage);
    socket.on('close', onClose);
    socket.send(ClientFrames.encode({ frames: [{ ping: { nonce } }] }));
  });
}
