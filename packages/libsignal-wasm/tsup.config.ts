import { sottoPackage } from '../../scripts/tsup-preset.ts';

export default sottoPackage({ index: 'src/index.ts' });
