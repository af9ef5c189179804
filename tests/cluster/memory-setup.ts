import { journeysGoThrough } from '../journeys/relay-under-test.ts';
import { clusterRelays } from './cluster-relay.ts';
import { memoryGround } from './memory-cluster.ts';

journeysGoThrough(clusterRelays(memoryGround));
