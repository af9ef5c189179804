import { sottoPackage } from '../../scripts/tsup-preset.ts';

// A source map would hold the artefact once more.
export default sottoPackage({ index: 'src/index.ts' }, { sourcemap: false });
