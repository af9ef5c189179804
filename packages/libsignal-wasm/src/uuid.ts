import type { Bytes } from './wire.ts';

/** A UUID as text. */
export type Uuid = string;

const form = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** Lower case, with hyphens. */
export function uuidText(bytes: Uint8Array): Uuid {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** @throws {TypeError} */
export function uuidBytes(text: Uuid): Bytes {
  if (!form.test(text)) throw new TypeError(`invalid UUID: '${text}'`);
  const hex = text.replaceAll('-', '');
  return Uint8Array.from({ length: 16 }, (_, at) => Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16));
}
