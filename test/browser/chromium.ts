import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The program of the browser. */
    chromium: string;
  }
}

const packaged = '/usr/bin/chromium';

/**
 * Finds a Chromium, or has Debian's installed where this user may do so. Without one the run fails
 * and says what to do; it never goes on without.
 */
export default function setup(project: TestProject): void {
  project.provide('chromium', findChromium());
}

function findChromium(): string {
  const named = process.env['BANKCTL_CHROMIUM'];
  if (named !== undefined && named !== '') {
    if (existsSync(named)) return named;
    throw new Error(`BANKCTL_CHROMIUM names ${named}, which is not there.`);
  }
  if (existsSync(packaged)) return packaged;
  if (process.getuid?.() === 0) install();
  if (existsSync(packaged)) return packaged;
  throw new Error(
    `There is no Chromium at ${packaged}. Install it (apt-get install chromium), ` +
      'or set BANKCTL_CHROMIUM to the path of one.',
  );
}

function install(): void {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const steps = [['update'], ['install', '-y', '--no-install-recommends', 'chromium']];
  for (const step of steps) {
    process.stderr.write(`apt-get ${step.join(' ')} ...\n`);
    const { status, error } = spawnSync('apt-get', step, {
      env: environment,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (error || status !== 0) return;
  }
}
