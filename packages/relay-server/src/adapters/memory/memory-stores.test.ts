import { describe, expect, it } from 'vitest';
import { relayStoresConformance } from '../../conformance/relay-stores.ts';
import { memoryHarness } from './memory-harness.ts';

describe('memory', () => relayStoresConformance({ describe, it, expect }, memoryHarness));
