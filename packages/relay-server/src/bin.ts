// This file has to parse and run on old Nodes, to be able to refuse them: static imports would load the relay before the check.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 22 || (major === 22 && minor < 22)) {
  process.stderr.write(
    `sotto-relay needs Node 22.22 or newer, and this is Node ${process.versions.node}: install a newer Node and start it again.\n`,
  );
  process.exitCode = 1;
} else {
  const { main } = await import('./main.ts');
  const { endInTime } = await import('./platform/end-in-time.ts');
  process.exitCode = await main(process.argv.slice(2));
  endInTime();
}

export {};
