import { journeysGoThrough } from '../journeys/relay-under-test.ts';
import { clusterRelays } from './cluster-relay.ts';
import { engineGround } from './engine-cluster.ts';

journeysGoThrough(clusterRelays(engineGround));
