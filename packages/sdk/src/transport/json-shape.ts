import { fromBase64Url, isUuid } from '@sotto/proto';

/** Reads a value that came from outside, or throws `ShapeMismatch`. */
export type Shape<T> = (value: unknown) => T;

/** A value has not the shape that it should have. Never leaves `transport/`. */
export class ShapeMismatch extends Error {
  override readonly name = 'ShapeMismatch';
}

/** A text of at most `maxLength` UTF-16 units. */
export function textShape(maxLength: number): Shape<string> {
  return (value) => {
    if (typeof value !== 'string' || value.length > maxLength) throw new ShapeMismatch('a text was expected');
    return value;
  };
}

/** A whole number from `least` to `most`. */
export function integerShape(least: number, most: number): Shape<number> {
  return (value) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
      throw new ShapeMismatch('a whole number was expected');
    }
    return value;
  };
}

/** A duration in milliseconds: up to a year. */
export const durationShape = integerShape(0, 366 * 86_400_000);

export const booleanShape: Shape<boolean> = (value) => {
  if (typeof value !== 'boolean') throw new ShapeMismatch('true or false was expected');
  return value;
};

export const uuidShape: Shape<string> = (value) => {
  if (typeof value !== 'string' || !isUuid(value)) throw new ShapeMismatch('a UUID was expected');
  return value;
};

/** Bytes as unpadded base64url. */
export function bytesShape(least: number, most: number): Shape<Uint8Array> {
  return (value) => {
    if (typeof value !== 'string' || value.length > Math.ceil((most * 4) / 3)) {
      throw new ShapeMismatch('bytes were expected');
    }
    const bytes = fromBase64Url(value);
    if (bytes.length < least || bytes.length > most) throw new ShapeMismatch('bytes of another length were expected');
    return bytes;
  };
}

export function listShape<T>(item: Shape<T>, maxLength: number): Shape<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value) || value.length > maxLength) throw new ShapeMismatch('a list was expected');
    return value.map((entry) => item(entry));
  };
}

/** What may be left out. */
export function optionalShape<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value) => (value === undefined ? undefined : shape(value));
}

/** An object with these fields; others are ignored. */
export function recordShape<Fields extends object>(
  fields: { readonly [Name in keyof Fields]-?: Shape<Fields[Name]> },
): Shape<Fields> {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new ShapeMismatch('an object was expected');
    }
    const own = new Map<string, unknown>(Object.entries(value));
    const entries = Object.entries<Shape<unknown>>(fields).map(([name, shape]) => [name, shape(own.get(name))]);
    // Built from exactly the names and shapes of Fields.
    return Object.fromEntries(entries) as Fields;
  };
}
