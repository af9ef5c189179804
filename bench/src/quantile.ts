/**
 * The value that a share of the values is not above (nearest rank).
 * @param share 0..1; 0.5 is the median
 * @throws {RangeError} when there are no values
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  const value = sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
  if (value === undefined) throw new RangeError('a quantile of nothing: measure at least once');
  return value;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Rounded to what the measurement can carry: four significant digits. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
