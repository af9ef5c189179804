import { MemoryDisk } from '@sotto/sdk';

/** A disk of its own with the same data. Records are only ever replaced, so both share those that they have in common. */
export function copyDisk(disk: MemoryDisk): MemoryDisk {
  const copy = new MemoryDisk();
  for (const kind of kindsOf(disk)) {
    const into: Map<string, unknown> = copy.tables[kind];
    for (const [key, record] of disk.tables[kind]) into.set(key, record);
  }
  copy.ownerEpoch = disk.ownerEpoch;
  copy.counters = disk.counters;
  return copy;
}

function kindsOf(disk: MemoryDisk): (keyof MemoryDisk['tables'])[] {
  return Object.keys(disk.tables) as (keyof MemoryDisk['tables'])[];
}
