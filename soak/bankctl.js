// Runs the built bankctl as a person would, for the soaks. `npm run build` makes it.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const program = fileURLToPath(new URL('../bin/bankctl.js', import.meta.url));

/**
 * Runs one command line to its end.
 *
 * @returns {Promise<{ status: number | null, stdout: string, stderr: string }>}
 */
export function bankctl(args, { env = {}, cwd } = {}) {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** As `bankctl`, for a command that must do its work: gives back its JSON. */
export async function bankctlJson(args, options) {
  const { status, stdout, stderr } = await bankctl([...args, '--json'], options);
  if (status !== 0) throw new Error(`bankctl ${args.join(' ')} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Prints the one line of a soak and ends with 0, or with 1 where something was lost. */
export function conclude(name, sound, words) {
  console.log(`${name}: ${sound ? 'ok' : 'LOSS'}: ${words}`);
  process.exitCode = sound ? 0 : 1;
}

/** A number behind `--NAME` on the soak's own command line. */
export function numberOption(name, fallback) {
  const place = process.argv.indexOf(`--${name}`);
  return place < 0 ? fallback : Number(process.argv[place + 1]);
}
