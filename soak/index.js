// Runs the soaks one after another: `npm run soak`, or `npm run soak -- NAME…` for some of them.
// Each prints one line with its counts. Ends with 1 where one of them lost something, doubled
// something, or could not be run.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const names = ['apply-kill', 'mongod-kill', 'failover', 'processes', 'clock', 'stop', 'full-disk'];
const chosen = process.argv.slice(2);
for (const name of chosen.length > 0 ? chosen : names) {
  const script = fileURLToPath(new URL(`${name}.js`, import.meta.url));
  const { status } = spawnSync(process.execPath, [script], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
