// This file has to parse and run on old Nodes, to be able to refuse them: static imports would load the relay before the check.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 22 || (major === 22 && minor < 22)) {
  process.stderr.write(
    `sotto-relay needs Node 22.22 or newer, and this is Node ${process.versions.node}: install a newer Node and start it again.\n`,
  );
  process.exitCode = 1;
} else {
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2));
  // Everything is over by now. What a client of an engine left open after a refusal would keep the process, and its supervisor waiting.
  setTimeout(() => process.exit(), 1000).unref();
}

export {};
