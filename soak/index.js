// Runs the soaks one after another: `npm run soak`, or `npm run soak -- NAME…` for some of them,
// with options for the soak itself, such as `npm run soak -- model --sessions 10000 --seed 1`.
// Each prints one line with its counts. Ends with 1 where one of them lost something, doubled
// something, or could not be run.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const names = [
  ...['apply-kill', 'mongod-kill', 'failover', 'processes', 'clock', 'stop', 'full-disk'],
  'model',
];
const words = process.argv.slice(2);
const options = words.findIndex((word) => word.startsWith('--'));
const chosen = options < 0 ? words : words.slice(0, options);
const passed = options < 0 ? [] : words.slice(options);
for (const name of chosen.length > 0 ? chosen : names) {
  const script = fileURLToPath(new URL(`${name}.js`, import.meta.url));
  const { status } = spawnSync(process.execPath, [script, ...passed], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
