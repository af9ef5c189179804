import { sottoPackage } from '../../scripts/tsup-preset.ts';

export default sottoPackage({
  'better-sqlite3/index': 'src/better-sqlite3/index.ts',
  'encrypted-sqlite3/index': 'src/encrypted-sqlite3/index.ts',
  'memory/index': 'src/memory/index.ts',
  'driver/index': 'src/driver/index.ts',
  'conformance/index': 'src/conformance/index.ts',
});
