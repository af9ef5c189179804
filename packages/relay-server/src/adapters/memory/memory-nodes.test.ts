import { describe, expect, it } from 'vitest';
import { nodesConformance } from '../../conformance/nodes.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { MemoryNodes } from './memory-nodes.ts';

describe('memory', () =>
  nodesConformance(
    { describe, it, expect },
    {
      missing: { reopen: 'memory ends with its process', files: 'memory has no files' },
      open: async () => ({
        stores: { nodes: new MemoryNodes() },
        clock: settableClock(),
        reopen: () => Promise.reject(new Error('memory ends with its process')),
        files: () => Promise.reject(new Error('memory has no files')),
        close: async () => undefined,
      }),
    },
  ));
