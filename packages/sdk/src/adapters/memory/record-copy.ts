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
  for (const [name, field] of Object.entries(value)) copy[name] = copyRecord(field);
  return copy;
}
