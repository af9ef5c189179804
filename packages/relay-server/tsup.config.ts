import { sottoPackage } from '../../scripts/tsup-preset.ts';

export default sottoPackage({
  index: 'src/index.ts',
  'ports/index': 'src/ports/index.ts',
  'adapters/memory/index': 'src/adapters/memory/index.ts',
  'adapters/embedded/index': 'src/adapters/embedded/index.ts',
  'conformance/index': 'src/conformance/index.ts',
  bin: 'src/bin.ts',
});
