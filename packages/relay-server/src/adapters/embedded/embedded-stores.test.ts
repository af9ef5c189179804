import { describe, expect, it } from 'vitest';
import { relayStoresConformance } from '../../conformance/relay-stores.ts';
import { embeddedHarness } from './embedded-harness.ts';

describe('embedded', () => relayStoresConformance({ describe, it, expect }, embeddedHarness));
