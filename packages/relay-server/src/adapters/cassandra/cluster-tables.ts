import type { TableArea } from './table-area.ts';

/** What a cluster was made with: one row, under the scope `relay`, that never changes. */
export const clusterTables: TableArea = {
  name: 'cluster',
  steps: [
    `CREATE TABLE IF NOT EXISTS cluster_identity (
      scope text PRIMARY KEY, name text, data_center text, key_mac blob, trust_root blob
    )`,
  ],
};
