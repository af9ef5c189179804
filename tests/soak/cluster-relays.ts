import type { ClusterSoak } from './soak-options.ts';
import type { SoakRelays } from './soak-relays.ts';

export const ClusterRelays = {
  open(
    _parts: ClusterSoak & { readonly folder: string; readonly paced: boolean; readonly say: (line: string) => void },
  ): Promise<SoakRelays> {
    throw new Error('not yet');
  },
};
