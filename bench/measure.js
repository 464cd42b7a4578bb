// Pairs of figures taken in turn, so that a machine that drifts drifts for both.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { ratio } from './report.js';

/** Milliseconds that a whole process takes. */
export function processMs(argv, options = {}) {
  const start = process.hrtime.bigint();
  const ran = spawnSync(process.execPath, argv, {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...options,
  });
  if (ran.status !== 0)
    throw new Error(`${argv.join(' ')} ended with ${ran.status}: ${ran.stderr}`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

/** Measures `ours` and `theirs` in turn, after one of each to warm up, and reports the ratio. */
export async function compare(title, { rounds, unit, target, ours, theirs, theirName }) {
  const pairs = { ours: [], theirs: [] };
  await ours();
  await theirs();
  for (let round = 0; round < rounds; round += 1) {
    // The order changes, so that neither is always the one that runs second.
    const first = round % 2 === 0;
    const a = first ? await ours() : undefined;
    pairs.theirs.push(await theirs());
    pairs.ours.push(a ?? (await ours()));
  }
  ratio({ title, unit, target, theirName, ...pairs });
}

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)];
}

/** Seconds of a whole process, start-up included, and the most memory it ever had. */
export async function watched(argv, options, wanted = [0]) {
  const start = process.hrtime.bigint();
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'ignore', 'inherit'],
    ...options,
  });
  let peakMebibytes = 0;
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peakMebibytes = Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0) / 1024 || peakMebibytes;
    } catch {
      // It has ended.
    }
  }, 20);
  const [status] = await once(child, 'close');
  clearInterval(timer);
  if (!wanted.includes(status)) throw new Error(`${argv.join(' ')} ended with ${status}`);
  return { seconds: Number(process.hrtime.bigint() - start) / 1e9, peakMebibytes };
}

/** Seconds that work takes. */
export async function secondsOf(work) {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}
