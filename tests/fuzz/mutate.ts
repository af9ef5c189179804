import type { FuzzRandom } from './fuzz-random.ts';

const interesting = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0x0d, 0x22, 0x5c, 0x7b] as const;

type Mutation = (bytes: Uint8Array, random: FuzzRandom, others: readonly Uint8Array[]) => Uint8Array;

const mutations: readonly Mutation[] = [
  // One bit.
  (bytes, random) => change(bytes, random, (byte) => byte ^ (1 << random.between(0, 7))),
  // One byte, at an end of some range.
  (bytes, random) => change(bytes, random, () => random.pick(interesting)),
  (bytes, random) => change(bytes, random, (byte) => byte + random.between(-4, 4)),
  (bytes, random) => change(bytes, random, () => random.between(0, 255)),
  // It ends early.
  (bytes, random) => bytes.slice(0, random.between(0, bytes.length)),
  // A part is missing, comes twice, or comes from elsewhere.
  (bytes, random) => {
    const [from, to] = span(bytes, random);
    return join(bytes.subarray(0, from), bytes.subarray(to));
  },
  (bytes, random) => {
    const [from, to] = span(bytes, random);
    return join(bytes.subarray(0, to), bytes.subarray(from));
  },
  (bytes, random, others) => {
    const other = random.pick(others);
    const [from, to] = span(other, random);
    const at = random.between(0, bytes.length);
    return join(bytes.subarray(0, at), other.subarray(from, to), bytes.subarray(at));
  },
  // A length or a number that never ends.
  (bytes, random) => {
    const at = random.between(0, bytes.length);
    const varint = Uint8Array.from({ length: random.between(1, 11) }, () => 0xff);
    return join(bytes.subarray(0, at), varint, bytes.subarray(at));
  },
  (bytes, random) => join(bytes, random.bytes(random.between(1, 40))),
];

/**
 * An input made from another without any knowledge of its grammar: one to four changes.
 * @param others what parts are taken from; must not be empty
 */
export function mutate(bytes: Uint8Array, random: FuzzRandom, others: readonly Uint8Array[]): Uint8Array {
  let mutated = bytes;
  const times = random.between(1, 4);
  for (let at = 0; at < times; at++) mutated = random.pick(mutations)(mutated, random, others);
  return mutated;
}

function change(bytes: Uint8Array, random: FuzzRandom, how: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes;
  const changed = bytes.slice();
  const at = random.between(0, bytes.length - 1);
  changed[at] = how(changed[at] ?? 0) & 0xff;
  return changed;
}

function span(bytes: Uint8Array, random: FuzzRandom): readonly [from: number, to: number] {
  const from = random.between(0, bytes.length);
  return [from, random.between(from, Math.min(bytes.length, from + 64))];
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
