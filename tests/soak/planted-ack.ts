import { ClientFrames, ServerFrames } from '@sotto/proto';
import type { SocketFactory } from '@sotto/sdk/ports';

/** A planted bug: the client acknowledges what it is given before it has committed it. */
export function earlyAcks(inner: SocketFactory): SocketFactory {
  return {
    credential: inner.credential,
    open(target, handlers) {
      const socket = inner.open(target, {
        opened: () => handlers.opened(),
        closed: (reason) => handlers.closed(reason),
        received: (bytes) => {
          const deliveryIds = ServerFrames.decode(bytes).frames.flatMap(({ deliver }) =>
            deliver?.deliveryId ? [deliver.deliveryId] : [],
          );
          if (deliveryIds.length > 0) socket.send(ClientFrames.encode({ frames: [{ ack: { deliveryIds } }] }));
          handlers.received(bytes);
        },
      });
      return socket;
    },
  };
}
