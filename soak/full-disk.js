// A full disk under the database: nothing that was acknowledged is lost, nothing is half there.
//
// The local database lives on a small tmpfs. The disk is filled up under a running load until mongod
// gives up, is freed again, and the database is started again; then every acknowledged operation
// must be there once, with its exact sums. Mounting needs root; where it is not allowed the soak
// says so and ends with 1.
//
// Usage: node soak/full-disk.js [--megabytes 400]. Takes about a minute.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { conclude, numberOption } from './bankctl.js';
import { localBank, minor, verify } from './local.js';

const disk = await mkdtemp(join(tmpdir(), 'bankctl-disk-'));
const size = `size=${numberOption('megabytes', 400)}m`;
let mounted = false;
try {
  execFileSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', disk], { stdio: 'ignore' });
  mounted = true;
} catch {
  conclude('full-disk', false, 'not run: a tmpfs cannot be mounted here, which takes root.');
}
try {
  if (mounted) await fill();
} finally {
  if (mounted) execFileSync('umount', ['-l', disk]);
  await rm(disk, { recursive: true, force: true });
}

async function fill() {
  const bank = await localBank({ BANKCTL_DATA_DIR: join(disk, 'data') });
  const accounts = Array.from({ length: 4 }, (_, index) => ['branch1', `ACC-${index}`]);
  for (const [branch, account] of accounts) await bank.json(['open', branch, account]);
  // By its address, so that bankctl itself has nothing to write on that disk.
  const { uri } = await bank.status();
  const outcomes = { acknowledged: [], refused: [], unanswered: [] };
  let filled = false;
  const work = async (worker) => {
    for (let nth = 0; !filled || nth % 4 !== 0; nth += 1) {
      const id = `w${worker}-${nth}`;
      const [branch, account] = accounts[(worker + nth) % accounts.length];
      const args = ['increment', branch, account, '1.01', '--id', id, '--timeout', '5s'];
      const { status, stderr } = await bank.run([...args, '--uri', uri]);
      const name = status === 0 ? 'acknowledged' : status === 1 ? 'refused' : 'unanswered';
      outcomes[name].push({ id, args, account: `${branch}:${account}`, stderr });
    }
  };
  const load = Promise.all(Array.from({ length: 4 }, (_, worker) => work(worker)));
  await pause(8000);
  const ballast = join(disk, 'ballast');
  const { bavail, bsize } = await statfs(disk);
  // To the last page, so that the next write of the server fails.
  await writeFile(ballast, Buffer.alloc(bavail * bsize)).catch(() => undefined);
  await pause(12_000);
  filled = true;
  await load;
  await rm(ballast);
  await bank.run(['db', 'stop']);
  await bank.json(['db', 'start']);
  const wrong = [];
  // Whatever ended without an answer is asked again with its id, as the message says.
  let settled = 0;
  for (const { args } of outcomes.unanswered) {
    const { status, stderr } = await bank.run(args);
    if (status === 0) settled += 1;
    else wrong.push(`${args.join(' ')} again: ${stderr.trim()}`);
  }
  const expected = new Map(accounts.map(([branch, account]) => [`${branch}:${account}`, 0n]));
  for (const { account } of [...outcomes.acknowledged, ...outcomes.unanswered]) {
    expected.set(account, expected.get(account) + minor('1.01'));
  }
  const verified = await verify(bank, accounts, expected);
  wrong.push(...verified.wrong);
  if (outcomes.unanswered.length === 0) wrong.push('the full disk was not felt');
  for (const { stderr } of outcomes.unanswered) {
    if (/\n\s+at /.test(stderr)) wrong.push(`a stack trace: ${stderr}`);
  }
  const open = outcomes.unanswered.filter(({ stderr }) => /may or may not be applied/.test(stderr));
  conclude(
    'full-disk',
    wrong.length === 0,
    `${size} filled under 4 loops of bankctl; ${outcomes.acknowledged.length} acknowledged, ` +
      `${outcomes.unanswered.length} not (of ${open.length} it was not known), ${settled} went through ` +
      `with the same id once there was space; ${verified.postings} postings; ` +
      (wrong.length === 0 ? 'sums exact, no gap.' : wrong.slice(0, 5).join('; ')),
  );
  await bank.end();
}
