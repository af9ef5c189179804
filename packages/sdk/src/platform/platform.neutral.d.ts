// What `#platform` looks like to the neutral sources: declared here, made in platform.node.ts.
import type { Platform } from '../ports/platform.ts';

export declare function defaultPlatform(): Platform;
