// How long a command line takes, on two versions of Node.js: against an empty Node, the shortest
// script with the driver, and what an administrator would use otherwise.
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { bankctl, inBank } from './bank.js';
import { compare, processMs } from './measure.js';
import { mongosh, nodeOf, python } from './others.js';
import { amount } from './report.js';

const versions = ['20', '24'];

/** Milliseconds of a whole process. */
function programMs(program, argv, options = {}) {
  const start = process.hrtime.bigint();
  const ran = spawnSync(program, argv, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  if (ran.status !== 0) throw new Error(`${program} ${argv.join(' ')}: ${ran.error ?? ran.stderr}`);
  return ms;
}

/** What `--version` and `--help` take more than an empty Node, measured in turn. */
export async function startup() {
  for (const version of versions) {
    const node = await nodeOf(version);
    for (const [word, atMost] of [
      ['--version', 10],
      ['--help', 30],
    ]) {
      const values = [];
      for (let round = -1; round < 41; round += 1) {
        const empty = programMs(node, ['-e', '0']);
        const more = programMs(node, [bankctl, word]) - empty;
        if (round >= 0) values.push(more);
      }
      const title = `\`bankctl ${word}\` beyond \`node -e 0\`, Node.js ${version}`;
      amount({ title, unit: 'ms', values, target: { atMost } });
    }
  }
}

/** A warm `increment` and `balance` of one account, whole processes. */
export async function warmIncrement() {
  const [shell, snake] = [await mongosh(), await python()];
  await inBank(async ({ directory, at, uri }) => {
    processMs([bankctl, 'open', 'branch1', 'ACC', '--balance', '1000'], at);
    const withDatabase = uri.replace('/?', '/bank?');
    for (const [command, own] of [
      ['increment', ['increment', 'branch1', 'ACC', '1']],
      ['balance', ['balance', 'branch1', 'ACC']],
    ]) {
      const script = await bundle(`bench/shortest-${command}.js`, directory);
      const code = await readFile(`bench/mongosh-${command}.js`, 'utf8');
      const evaluate = [shell, withDatabase, '--quiet', '--norc', '--eval', code];
      const snakeCommand = [resolve('bench/pymongo-command.py'), command, uri, 'bank'];
      for (const version of versions) {
        const node = await nodeOf(version);
        const title = `\`${command}\`, Node.js ${version}`;
        const ours = () => programMs(node, [bankctl, ...own], at);
        const against = (theirName, atMost, rounds, theirs) =>
          compare(title, { rounds, unit: 'ms', target: { atMost }, ours, theirName, theirs });
        await against('the shortest script', 1.1, 41, () => programMs(node, [script, uri, 'bank']));
        await against('pymongo', 0.5, 21, () => programMs(snake, snakeCommand));
        await against('`mongosh --eval`', 0.25, 11, () => programMs(node, evaluate));
      }
    }
  });
}

/** The script in one file, with the driver in it. */
async function bundle(entry, directory) {
  const outfile = join(directory, entry.replace(/^.*\/(.*)\.js$/, '$1.mjs'));
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: ['kerberos', 'snappy', 'socks', 'gcp-metadata', 'mongodb-client-encryption'].concat([
      '@aws-sdk/credential-providers',
      '@mongodb-js/zstd',
    ]),
    banner: { js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);" },
  });
  return outfile;
}

/** How large bankctl is where it is installed, and how long that takes with npm's cache warm. */
export async function installation() {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-install-'));
  try {
    const packed = ['pack', '--ignore-scripts', '--silent', '--pack-destination', directory];
    const name = spawnSync('npm', packed, { encoding: 'utf8' }).stdout.trim();
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
    const seconds = { install: [], ci: [] };
    let mebibytes = 0;
    for (let round = -1; round < 3; round += 1) {
      const place = join(directory, `empty-${round}`);
      await mkdir(place);
      await writeFile(join(place, 'package.json'), '{}');
      const install = ['install', ...quiet, join(directory, name)];
      const took = programMs('npm', install, { cwd: place }) / 1e3;
      const used = spawnSync('du', ['-sk', place], { encoding: 'utf8' }).stdout;
      mebibytes = Number.parseInt(used, 10) / 1024;
      const clone = join(directory, `clone-${round}`);
      await mkdir(clone);
      for (const file of ['package.json', 'package-lock.json']) await cp(file, join(clone, file));
      const tookCi = programMs('npm', ['ci', ...quiet], { cwd: clone }) / 1e3;
      // The first round only fills npm's cache.
      if (round >= 0) seconds.install.push(took);
      if (round >= 0) seconds.ci.push(tookCi);
      await rm(place, { recursive: true });
      await rm(clone, { recursive: true });
    }
    amount({ title: 'installed, dependencies included', unit: 'MiB', values: [mebibytes] });
    amount({ title: '`npm install bankctl`', unit: 's', values: seconds.install });
    const title = '`npm ci` in a clone, without the build';
    amount({ title, unit: 's', values: seconds.ci });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
