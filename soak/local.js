// A local database of its own for a soak, and the proof that nothing in it was lost or doubled.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bankctl, bankctlJson } from './bankctl.js';

/**
 * Starts a local database with a config in a fresh directory.
 *
 * @param env further variables, such as BANKCTL_MONGOD or BANKCTL_DATA_DIR
 */
export async function localBank(env = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-soak-'));
  await writeFile(
    join(directory, 'bankctl.config.yaml'),
    'database: soak\nbranches:\n  branch1: { collection: branch1 }\n  branch2: { collection: branch2 }\n',
  );
  const options = {
    cwd: directory,
    env: { BANKCTL_DATA_DIR: join(directory, 'data'), BANKCTL_URI: undefined, ...env },
  };
  delete process.env.BANKCTL_URI;
  const run = (args) => bankctl(args, options);
  const json = (args) => bankctlJson(args, options);
  await json(['db', 'start']);
  return {
    directory,
    run,
    json,
    status: () => json(['db', 'status']),
    end: async () => {
      await run(['db', 'stop']);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Minor units of an amount as it is printed. */
export function minor(amount) {
  return BigInt(amount.replace('.', ''));
}

/**
 * Reads everything back by the commands that a person has.
 *
 * @param accounts `[branch, account]` pairs
 * @param expected minor units by `BRANCH:ACCOUNT`
 * @returns what is wrong, sentence by sentence, and how many postings there are
 */
export async function verify(bank, accounts, expected) {
  const wrong = [];
  let postings = 0;
  for (const [branch, account] of accounts) {
    const name = `${branch}:${account}`;
    const { balance, version } = await bank.json(['balance', branch, account]);
    const history = await bank.json(['history', branch, account]);
    postings += history.length;
    if (expected && minor(balance) !== expected.get(name)) {
      wrong.push(`${name} has ${balance} instead of ${expected.get(name)} minor units`);
    }
    let sum = 0n;
    for (const [index, posting] of history.entries()) {
      sum += minor(posting.amount);
      if (posting.version !== index + 1) wrong.push(`${name} has a gap at version ${index + 1}`);
      if (minor(posting.balance) !== sum) wrong.push(`${name} drifts at version ${index + 1}`);
      if (index > 0 && posting.at < history[index - 1].at) wrong.push(`${name} goes back in time`);
    }
    if (sum !== minor(balance)) wrong.push(`${name} is not the sum of its postings`);
    if (version !== history.length) wrong.push(`${name} counts ${version} of ${history.length}`);
  }
  return { wrong, postings };
}
