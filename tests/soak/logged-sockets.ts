import { ClientFrames, Envelope, ServerFrames, uuidToText } from '@sotto/proto';
import type { SocketFactory } from '@sotto/sdk/ports';

/** Tells of each acknowledgement before it leaves: the ids of the message and of who sent it, as the envelope had them. One that names neither is passed over. */
export function loggedSockets(
  inner: SocketFactory,
  onAck: (messageId: string, senderUser: string) => void,
): SocketFactory {
  return {
    credential: inner.credential,
    open(target, handlers) {
      const delivered = new Map<string, { readonly messageId: string; readonly sender: string }>();
      const socket = inner.open(target, {
        ...handlers,
        opened: () => handlers.opened(),
        closed: (reason) => handlers.closed(reason),
        received: (bytes) => {
          for (const { deliver } of ServerFrames.decode(bytes).frames) {
            if (!deliver?.deliveryId || !deliver.envelope) continue;
            const { messageId, senderUser } = Envelope.decode(deliver.envelope);
            if (messageId?.length !== 16 || senderUser?.length !== 16) continue;
            delivered.set(keyOf(deliver.deliveryId), {
              messageId: uuidToText(messageId),
              sender: uuidToText(senderUser),
            });
          }
          handlers.received(bytes);
        },
      });
      return {
        send: (bytes) => {
          for (const { ack } of ClientFrames.decode(bytes).frames) {
            for (const id of ack?.deliveryIds ?? []) {
              const known = delivered.get(keyOf(id));
              if (known !== undefined) onAck(known.messageId, known.sender);
              delivered.delete(keyOf(id));
            }
          }
          socket.send(bytes);
        },
        close: (code, text) => socket.close(code, text),
        terminate: () => socket.terminate(),
        get bufferedBytes() {
          return socket.bufferedBytes;
        },
      };
    },
  };
}

function keyOf(id: Uint8Array): string {
  return Buffer.from(id).toString('base64');
}
