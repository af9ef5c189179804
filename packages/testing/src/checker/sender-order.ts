/** One of a device's messages where somebody sees it. */
export interface Placed<Item> {
  readonly item: Item;
  /** When it was sent at the earliest and at the latest; undefined = not known. */
  readonly from: bigint | undefined;
  readonly until: bigint | undefined;
  /** Where it stands among the device's own; undefined = not known. */
  readonly rank: number | undefined;
}

/**
 * Those of one device's messages that stand behind one that was sent after them.
 *
 * Calls that were under way at the same time may come in any order, unless the sender's own history shows theirs.
 */
export function misplaced<Item>(shown: readonly Placed<Item>[]): readonly Item[] {
  let latest: bigint | undefined;
  let highest = -1;
  const wrong: Item[] = [];
  for (const { item, from, until, rank } of shown) {
    const isOvertaken = until !== undefined && latest !== undefined && until < latest;
    if (isOvertaken || (rank !== undefined && rank < highest)) wrong.push(item);
    if (from !== undefined && (latest === undefined || from > latest)) latest = from;
    if (rank !== undefined && rank > highest) highest = rank;
  }
  return wrong;
}
