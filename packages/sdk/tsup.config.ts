import { sottoPackage } from '../../scripts/tsup-preset.ts';

export default sottoPackage(
  {
    index: 'src/index.ts',
    'bot/index': 'src/bot/index.ts',
    'ports/index': 'src/ports/index.ts',
    'conformance/index': 'src/conformance/index.ts',
    'platform/libsignal.node': 'src/platform/libsignal.node.ts',
    'platform/libsignal.browser': 'src/platform/libsignal.browser.ts',
    'platform/platform.node': 'src/platform/platform.node.ts',
    'platform/platform.browser': 'src/platform/platform.browser.ts',
  },
  // The import map of package.json picks the platform when the package is loaded, not when it is built.
  { external: ['#libsignal', '#platform'], tsconfig: 'tsconfig.build.json' },
);
