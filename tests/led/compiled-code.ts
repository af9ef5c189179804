import { join } from 'node:path';

/** Where led processes keep their compiled modules, by content: that halves the time that each takes to start. */
export const compiledCode = join(import.meta.dirname, '..', 'node_modules', '.cache', 'compiled');
