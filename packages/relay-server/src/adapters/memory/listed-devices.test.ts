import { describe, expect, it } from 'vitest';
import { listedDevicesConformance } from '../../conformance/listed-devices.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { MemoryListedDevices } from './listed-devices.ts';
import { MemoryRelayDisk, stateOf } from './memory-relay-disk.ts';
import { memoryStores } from './memory-stores.ts';

describe('memory', () =>
  listedDevicesConformance(
    { describe, it, expect },
    {
      missing: { files: 'memory has no files' },
      async open() {
        const clock = settableClock();
        const disk = new MemoryRelayDisk();
        const open = () => ({ ...memoryStores({ clock, disk }), listed: new MemoryListedDevices(stateOf(disk)) });
        let stores = open();
        return {
          get stores() {
            return stores;
          },
          clock,
          async reopen() {
            stores = open();
          },
          files: () => Promise.reject(new Error('memory has no files')),
          close: () => stores.close(),
        };
      },
    },
  ));
