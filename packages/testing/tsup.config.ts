import { sottoPackage } from '../../scripts/tsup-preset.ts';

export default sottoPackage({
  index: 'src/index.ts',
  'checker/index': 'src/checker/index.ts',
});
