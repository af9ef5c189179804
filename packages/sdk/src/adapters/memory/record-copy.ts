/**
 * A deep copy of a record: what one side changes afterwards, the other side does not see.
 *
 * Records are plain data: texts, numbers, booleans, `undefined`, byte arrays, arrays and objects of these.
 */
export function copyRecord<Value>(value: Value): Value;
export function copyRecord(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(copyRecord);
  const copy: Record<string, unknown> = {};
  // Plain data has no inherited fields, and this is most of what a store in memory does.
  for (const name in value) copy[name] = copyRecord((value as Record<string, unknown>)[name]);
  return copy;
}
