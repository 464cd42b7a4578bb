// What bankctl is measured against, and other versions of Node.js, installed once by the registries'
// own clients into a cache of their own: ~/.cache/bankctl-bench.
import { execFileSync } from 'node:child_process';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

const cache = join(homedir(), '.cache/bankctl-bench');
const mongoshVersion = '2.12.0';

/** The binary of a major version of Node.js: the one that runs this, or npm's. */
export async function nodeOf(version) {
  if (process.versions.node.startsWith(`${version}.`)) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const root = await npmInstalled(`node-${version}`, `${name}@${version}`);
  return join(root, 'node_modules', name, 'bin/node');
}

/** The program of mongosh, which Node.js runs. */
export async function mongosh() {
  const root = await npmInstalled(`mongosh-${mongoshVersion}`, `mongosh@${mongoshVersion}`);
  return join(root, 'node_modules/mongosh/bin/mongosh.js');
}

/** A Python with pymongo and MongoEngine, of the versions that the tests pin. */
export async function python() {
  const root = join(cache, 'python');
  await installed(root, 'pymongo and MongoEngine', () => {
    execFileSync('python3', ['-m', 'venv', root], { stdio: 'pipe' });
    const install = ['-m', 'pip', 'install', '--quiet', '--requirement'];
    const pinned = 'test/legacy/requirements.txt';
    execFileSync(join(root, 'bin/python'), [...install, pinned], { stdio: 'pipe' });
  });
  return join(root, 'bin/python');
}

async function npmInstalled(folder, name) {
  const root = join(cache, folder);
  await installed(root, name, async () => {
    await writeFile(join(root, 'package.json'), '{}');
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund'];
    execFileSync('npm', ['install', '--prefix', root, ...quiet, name], { stdio: 'pipe' });
  });
  return root;
}

/** Installs what has not been installed whole before. */
async function installed(root, name, install) {
  const mark = join(root, '.installed');
  const isWhole = await access(mark).then(
    () => true,
    () => false,
  );
  if (isWhole) return;
  console.log(`Installing ${name} in ${root} ...`);
  await rm(root, { recursive: true, force: true });
  await mkdir(root, { recursive: true });
  try {
    await install();
  } catch (error) {
    throw new Error(`${name} cannot be installed in ${root}: ${error.stderr ?? error.message}`);
  }
  await writeFile(mark, '');
}
