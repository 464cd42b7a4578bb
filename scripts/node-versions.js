// Runs bankctl, as it is built, on each version of Node.js that it supports: a working day on a
// real mongod, whose every output and status must be the same on all of them. On the newest one the
// quick unit tests run too; the whole suite runs on the one that runs this.
import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const versions = ['20', '22', '24', '26'];
const program = resolve('bin/bankctl.js');
const cache = resolve('node_modules/.cache/node-versions');

/** Parsers, money and text, which stand on what a version of Node.js brings. */
const unitTests = [
  ...['test/parsers.test.ts', 'test/near-names.test.ts'],
  ...['test/bank/money.test.ts', 'test/bank/decimal.test.ts', 'test/bank/names.test.ts'],
  ...['test/database/uri.test.ts', 'test/files/lines.test.ts', 'test/stress/schedule.test.ts'],
];

/** Command lines, and the status with which each has to end. */
const day = [
  [0, '--version'],
  [0, '--help'],
  [0, 'describe'],
  [0, 'completion bash'],
  [0, '__complete bash 1 bankctl incr'],
  [2, 'balance --nonsense'],
  [2, 'balance nowhere'],
  [3, 'balance --uri mongodb://127.0.0.1:1/ --timeout 1s'],
  [0, 'open branch1 ACC --balance 100 --id open-1'],
  [0, 'open branch2 ACC --id open-2'],
  [0, 'increment branch1 ACC 50.25 --id till-1'],
  [0, 'increment branch1 ACC 50.25 --id till-1 --json'],
  [1, 'increment branch1 ACC 1 --id till-1 --json'],
  [1, 'increment branch1 ACC -500'],
  [2, 'increment branch1 ACC 1e3'],
  [0, 'transfer branch1:ACC branch2:ACC 25 --id rent-1'],
  [0, 'apply rows.csv --batch day'],
  [0, 'apply rows.csv --batch day --json'],
  [0, 'apply bank.csv --batch bank --decimal comma --columns account=Konto --drop Saldo'],
  [2, 'apply bank.csv --batch bank --decimal comma --columns account=Konto,memo=Saldo'],
  [0, 'reverse --batch bank --yes'],
  [0, 'label branch1 ACC --owner Ada --add vip --id label-1'],
  [0, 'accounts --owner ada'],
  [0, 'reverse rent-1 --id back-1'],
  [0, 'freeze branch2 ACC --id freeze-1'],
  [1, 'transfer branch1:ACC branch2:ACC 1 --id late-1'],
  [0, 'history branch1 ACC'],
  [0, 'balance'],
  [0, 'balance branch1 -o csv'],
  [0, 'operations -o csv'],
  [0, 'export'],
  [0, 'show till-1'],
  [0, 'audit'],
  [0, 'stress --model branch --workers 2 --threads 2 --ops 20 --seed 7 --json'],
  [0, 'db stop'],
];

const files = {
  'bankctl.config.yaml': `database: day
timezone: Europe/Paris
branches: { branch1: { collection: branch1 }, branch2: { collection: branch2 } }
`,
  'rows.csv': `id,type,branch,account,from,to,amount,memo
pay-1,increment,branch1,ACC,,,1200.00,salary
pay-2,transfer,,,branch1:ACC,branch2:ACC,800.00,"rent, ""November"" 銀行"
`,
  'bank.csv': 'Branch;Konto;Amount;Saldo\nbranch1;ACC;-12,34;87,66\n',
};

const execute = promisify(execFile);

/** The binary of a version: the running one, or that of the package of this platform. */
async function nodeOf(version) {
  if (process.versions.node.startsWith(`${version}.`)) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const root = join(cache, version);
  const binary = join(root, 'node_modules', name, 'bin', 'node');
  const isThere = await access(binary).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    await mkdir(root, { recursive: true });
    await writeFile(join(root, 'package.json'), '{}');
    await execute('npm', ['install', '--prefix', root, '--ignore-scripts', `${name}@${version}`]);
  }
  return binary;
}

/** Runs a program to its end. */
function end(file, argv, options) {
  return new Promise((done) => {
    const limits = { maxBuffer: 64 * 1024 * 1024, timeout: 120_000, killSignal: 'SIGKILL' };
    execFile(file, argv, { ...limits, ...options }, (error, stdout, stderr) =>
      done({ status: error ? (error.code ?? `${error.signal}`) : 0, stdout, stderr }),
    );
  });
}

/** What may differ between two days: moments, made-up ids, speeds and where the day was. */
function comparable(text, directory) {
  return text
    .replace(/^(Still working|\{"notice":\{"code":"still_working").*\n/gm, '')
    .replaceAll(directory, 'DIRECTORY')
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?/g, 'TIME')
    .replace(/[\da-f]{8}-[\da-f]{4}-[\da-f-]{22}/g, 'ID')
    .replace(/"(throughput|p50|p90|p99|max|\w+_ms)": ?[\d.]+/g, '"$1": N');
}

/** @returns for each step what it printed, and what is wrong with it */
async function liveThrough(node) {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-day-'));
  const { BANKCTL_URI: _uri, BANKCTL_CONFIG: _config, ...inherited } = process.env;
  const env = { ...inherited, BANKCTL_DATA_DIR: join(directory, 'data') };
  const bankctl = (line) => end(node, [program, ...line.split(' ')], { cwd: directory, env });
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    const steps = [];
    for (const [status, line] of day) {
      const ran = await bankctl(line);
      const said = comparable(`${ran.stdout}\n${ran.stderr}`, directory);
      const faults = [
        ...(ran.status === status ? [] : [`ended with ${ran.status}, not ${status}:\n${said}`]),
        ...(/Warning:|\n +at /.test(ran.stderr) ? [`warned:\n${said}`] : []),
      ];
      steps.push({ line, said, faults });
    }
    return steps;
  } finally {
    await bankctl('db stop');
    await rm(directory, { recursive: true, force: true });
  }
}

const noTests = { passed: 0, failed: 0 };

/** The unit tests, which say themselves how many there were. */
async function unitTest(node) {
  // They share nothing that a process of their own would have to keep apart.
  const together = ['--no-isolate', '--maxWorkers=1'];
  const argv = ['node_modules/vitest/vitest.mjs', 'run', ...together, ...unitTests];
  const { status, stdout, stderr } = await end(node, argv, {
    env: { ...process.env, NO_COLOR: '1' },
  });
  const [, failed = 0, passed = 0] = /Tests +(?:(\d+) failed \| )?(\d+) passed/.exec(stdout) ?? [];
  const isGood = status === 0 && Number(passed) > 0;
  if (!isGood) process.stdout.write(`${stdout}\n${stderr}\n`);
  return { passed: Number(passed), failed: Math.max(Number(failed), isGood ? 0 : 1) };
}

function firstDifference(one, other) {
  const [left, right] = [one.split('\n'), other.split('\n')];
  const at = left.findIndex((line, index) => line !== right[index]);
  const index = at === -1 ? left.length : at;
  return `line ${index + 1} is ${JSON.stringify(right[index])}, not ${JSON.stringify(left[index])}`;
}

/** One version: its name, its day, and what its unit tests say. */
async function tryVersion(version, node) {
  const { stdout } = await execute(node, ['--version']);
  if (!stdout.startsWith(`v${version}.`)) throw new Error(`${node} is Node.js ${stdout}`);
  const steps = await liveThrough(node);
  const units = version === versions.at(-1) ? await unitTest(node) : noTests;
  return { name: `Node.js ${stdout.trim()}`, steps, units };
}

/** What went wrong on a version, or went otherwise than on the first one. */
function faultsOf({ steps }, first) {
  return steps.flatMap(({ line, said, faults }, at) => {
    const before = first.steps[at].said;
    const differs = `not as on ${first.name}: ${firstDifference(before, said)}`;
    const all = said === before ? faults : [...faults, differs];
    return all.slice(0, 1).map((fault) => `bankctl ${line}: ${fault}`);
  });
}

const binaries = await Promise.all(versions.map(nodeOf));
const tried = [];
// Two at a time, as the tests do.
for (let at = 0; at < versions.length; at += 2) {
  const pair = versions.slice(at, at + 2);
  tried.push(
    ...(await Promise.all(pair.map((version, of) => tryVersion(version, binaries[at + of])))),
  );
}
const total = { passed: 0, failed: 0 };
for (const version of tried) {
  const { name, steps, units } = version;
  const wrong = faultsOf(version, tried[0]);
  total.passed += steps.length - wrong.length + units.passed;
  total.failed += wrong.length + units.failed;
  const counts = `${units.passed} unit tests passed, ${units.failed} failed`;
  const tests = units === noTests ? '' : `; ${counts}`;
  console.log(`${name}: ${wrong.length} of ${steps.length} commands of a day wrong${tests}.`);
  for (const fault of wrong) console.log(`✗ ${name}: ${fault}`);
}
const failed = total.failed > 0 ? `${total.failed} failed | ` : '';
console.log(`      Tests  ${failed}${total.passed} passed (${total.passed + total.failed})`);
process.exitCode = total.failed > 0 ? 1 : 0;
