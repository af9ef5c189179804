import { describe, expect, it } from 'vitest';
import { CountedArrivals } from './counted-arrivals.ts';
import {
  connectPacket,
  idOfPublish,
  type MqttPacket,
  pubackPacket,
  publishPacket,
  readPackets,
} from './mqtt-packets.ts';
import { lastConfirmed, WordCounter } from './xmpp-text.ts';

describe('packets of MQTT', () => {
  it('are read as they were written, wherever the bytes are cut', () => {
    const long = publishPacket(40_000, 'mail/7', new Uint8Array(20_000));
    const all = Buffer.concat([connectPacket('someone'), long, pubackPacket(3)]);
    for (const size of [1, 2, 3, 127, 4_096, all.length]) {
      const packets: MqttPacket[] = [];
      let rest: Buffer = Buffer.alloc(0);
      for (let at = 0; at < all.length; at += size) {
        rest = readPackets(Buffer.concat([rest, all.subarray(at, at + size)]), (packet) => packets.push(packet));
      }
      expect(rest.length).toBe(0);
      expect(packets.map(({ type }) => type)).toEqual([1, 3, 4]);
      const [, publish] = packets;
      expect(publish && idOfPublish(publish)).toBe(40_000);
      expect(publish?.body.length).toBe(2 + 6 + 2 + 20_000);
    }
  });
});

describe('words in a stream of text', () => {
  it('are counted once, wherever the text is cut', () => {
    const text = '<message><body>a</body></message><message></message></mess</message>';
    for (let size = 1; size <= text.length; size++) {
      const counter = new WordCounter('</message>');
      let count = 0;
      for (let at = 0; at < text.length; at += size) count += counter.add(text.slice(at, at + size));
      expect(count).toBe(3);
    }
  });

  it('tell how much was confirmed', () => {
    expect(lastConfirmed("<a h='3' xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h=\"12\"/>")).toBe(12);
    expect(lastConfirmed('<auth h="3"/>')).toBeUndefined();
  });
});

describe('counted arrivals', () => {
  it('tell whoever waits, and fail whoever would wait for ever', async () => {
    const arrivals = new CountedArrivals();
    const two = arrivals.until(2);
    arrivals.add(1);
    const three = arrivals.until(3);
    arrivals.add(1);
    await two;
    arrivals.fail(new Error('gone'));
    await expect(three).rejects.toThrow('gone');
    await expect(arrivals.until(2)).resolves.toBeUndefined();
    await expect(arrivals.until(4)).rejects.toThrow('gone');
  });
});
