import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import protobuf from 'protobufjs';
import type { FuzzRandom } from './fuzz-random.ts';

const folder = join(dirname(createRequire(import.meta.url).resolve('@sotto/proto/package.json')), 'proto');
const root = new protobuf.Root();
root.resolvePath = (_origin, target) => join(folder, target);
root.loadSync(readdirSync(folder).filter((name) => name.endsWith('.proto')));
root.resolveAll();

const deepest = 5;

/** The messages that the .proto files define, by name. */
export function messageNames(): readonly string[] {
  const { nestedArray } = root.lookup('sotto.v1') as protobuf.Namespace;
  return nestedArray.flatMap((defined) => (defined instanceof protobuf.Type ? [defined.name] : []));
}

/**
 * Bytes of a message by its definition: fields left out, doubled, at the ends of their ranges, of wrong lengths; now and then one that is not defined, or of another wire type.
 * @param name like `ClientFrames`
 */
export function someMessage(name: string, random: FuzzRandom): Uint8Array {
  return encode(root.lookupType(`sotto.v1.${name}`), random, 0);
}

function encode(type: protobuf.Type, random: FuzzRandom, depth: number): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const field of type.fieldsArray) {
    // Of a oneof mostly one is there; a message that is mostly there leads deeper.
    if (field.partOf !== null && !random.once(Math.max(2, field.partOf.fieldsArray.length))) continue;
    if (random.once(5)) continue;
    const times = field.repeated ? random.pick([0, 1, 1, 2, 3]) : random.once(20) ? 2 : 1;
    for (let at = 0; at < times; at++) write(writer, field, random, depth);
  }
  if (random.once(12)) writer.uint32((random.between(100, 20_000) << 3) | 2).bytes(random.someBytes());
  return writer.finish();
}

function write(writer: protobuf.Writer, field: protobuf.Field, random: FuzzRandom, depth: number): void {
  if (random.once(40)) {
    writeWrongly(writer, field.id, random);
    return;
  }
  const tag = (wireType: number) => writer.uint32(((field.id << 3) | wireType) >>> 0);
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) {
    tag(2).bytes(depth < deepest ? encode(resolvedType, random, depth + 1) : new Uint8Array());
  } else if (field.type === 'bytes') tag(2).bytes(random.someBytes());
  else if (field.type === 'string') tag(2).string(random.someText());
  else if (field.type === 'bool') tag(0).uint32(random.between(0, 2));
  else tag(0).uint64(longOf(random.someInteger()));
}

function writeWrongly(writer: protobuf.Writer, id: number, random: FuzzRandom): void {
  const wireType = random.pick([0, 1, 2, 3, 4, 5, 6, 7]);
  writer.uint32(((id << 3) | wireType) >>> 0);
  if (wireType === 0) writer.uint64(longOf(random.someInteger()));
  else if (wireType === 2) writer.bytes(random.someBytes());
  else for (const byte of random.bytes(random.between(0, 8))) writer.uint32(byte & 0x7f);
}

function longOf(value: bigint): protobuf.Long {
  return {
    low: Number(BigInt.asIntN(32, value)),
    high: Number(BigInt.asIntN(32, value >> 32n)),
    unsigned: true,
  } as protobuf.Long;
}
