/** What `npm test` and `npm run security-tests` were asked for. */
export type TestCommand =
  | { readonly type: 'help'; readonly usage: string }
  | { readonly type: 'wrong'; readonly message: string; readonly usage: string }
  /** `vitest`: what goes on to vitest. */
  | { readonly type: 'run'; readonly isForPage: boolean; readonly vitest: readonly string[] };

const testUsage = `npm test                                  every test of every package; the last line counts them
npm test -- FILE... [--project NAME]      those of files whose path has FILE in it, of one package
npm test -- -t NAME                       those whose name has NAME in it, for example P1

What else is given goes to vitest as it stands.
`;

const securityUsage = `npm run security-tests      every test that shows a security requirement, and docs/security-tests.md made from them

It takes no options: the page is of all of them. One file of tests: npm test -- FILE
`;

const clusterUsage = `npm run test:cluster                  every test that needs real engines; brings engines of its own up, and down after
npm run test:cluster -- FILE...       those of files whose path has FILE in it
npm run test:cluster -- -t NAME       those whose name has NAME in it
npm run test:cluster -- --project P   engines: adapters and nodes; journeys: those of tests/journeys, through two nodes

With SOTTO_ENGINES=FILE it uses the engines that FILE names (npm run engines -- up writes one), and leaves them up.
What else is given goes to vitest as it stands.
`;

/** What `npm test` says of the tests that it leaves out. */
export const clusterNotice = 'The tests that need real Kafka, Cassandra, Redis and S3 are run by: npm run test:cluster';

/** Reads the command line of `npm run test:cluster`. */
export function readClusterCommand(
  args: readonly string[],
): { readonly type: 'help'; readonly usage: string } | { readonly type: 'run'; readonly vitest: readonly string[] } {
  if (args.includes('--help') || args.includes('-h')) return { type: 'help', usage: clusterUsage };
  return { type: 'run', vitest: args };
}

/** Reads the command line; `--security` in front of all is what tells the two apart. */
export function readTestCommand(args: readonly string[]): TestCommand {
  const isForPage = args[0] === '--security';
  const rest = isForPage ? args.slice(1) : args;
  const usage = isForPage ? securityUsage : testUsage;
  if (rest.includes('--help') || rest.includes('-h')) return { type: 'help', usage };
  if (!isForPage) return { type: 'run', isForPage, vitest: rest };
  // A page of some of the tests would take the others for missing.
  if (rest.length > 0) return { type: 'wrong', message: `it takes no "${rest[0]}"`, usage };
  return { type: 'run', isForPage, vitest: ['--testNamePattern', '\\[security: '] };
}
