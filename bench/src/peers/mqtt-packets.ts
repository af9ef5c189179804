/** A packet of MQTT 3.1.1, as it came. */
export interface MqttPacket {
  /** The upper half of the first byte. */
  readonly type: number;
  /** The lower half of the first byte. */
  readonly flags: number;
  readonly body: Buffer;
}

/** The types of packets that a client of quality of service 1 meets. */
export const mqttType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  subscribe: 8,
  suback: 9,
  disconnect: 14,
} as const;

/** Makes CONNECT: with a session that outlives the connection, no name and no password. */
export function connectPacket(client: string): Buffer {
  return packet(mqttType.connect, 0, [text('MQTT'), Buffer.from([4, 0, 0, 0]), text(client)]);
}

/** Makes SUBSCRIBE to one topic with quality of service 1. */
export function subscribePacket(id: number, topic: string): Buffer {
  return packet(mqttType.subscribe, 2, [number16(id), text(topic), Buffer.from([1])]);
}

/** Makes PUBLISH with quality of service 1. */
export function publishPacket(id: number, topic: string, payload: Uint8Array): Buffer {
  return packet(mqttType.publish, 2, [text(topic), number16(id), payload]);
}

/** Makes PUBACK. */
export function pubackPacket(id: number): Buffer {
  return packet(mqttType.puback, 0, [number16(id)]);
}

/** Makes DISCONNECT. */
export function disconnectPacket(): Buffer {
  return packet(mqttType.disconnect, 0, []);
}

/** The packet id of a PUBLISH with quality of service 1. */
export function idOfPublish({ body }: MqttPacket): number {
  return body.readUInt16BE(2 + body.readUInt16BE(0));
}

/** Takes the whole packets out of what has come; gives what is left. */
export function readPackets(bytes: Buffer, take: (packet: MqttPacket) => void): Buffer {
  let at = 0;
  for (;;) {
    let [length, weight, head] = [0, 1, at + 1];
    for (let more = true; more; ) {
      const byte = bytes[head++];
      if (byte === undefined) return bytes.subarray(at);
      length += (byte & 127) * weight;
      weight *= 128;
      more = byte > 127;
    }
    if (bytes.length < head + length) return bytes.subarray(at);
    const first = bytes[at] ?? 0;
    take({ type: first >> 4, flags: first & 15, body: bytes.subarray(head, head + length) });
    at = head + length;
  }
}

function packet(type: number, flags: number, parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [(type << 4) | flags];
  for (let left = length; ; left = Math.floor(left / 128)) {
    head.push(left > 127 ? (left % 128) + 128 : left);
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from(head), ...parts]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number16(bytes.length), bytes]);
}

function number16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
