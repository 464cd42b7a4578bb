// The server's clock set back an hour: `--at` and `history` stay right.
//
// mongod runs under libfaketime (package libfaketime of Debian), whose time file is changed while it
// runs; its monotonic clock is left alone, as a step of the wall clock leaves it. Where libfaketime
// is not installed the soak says so and ends with 1; test/commands/clock.test.ts has the same with
// times in the documents.
//
// Usage: node soak/clock.js. Takes less than a minute.
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { conclude } from './bankctl.js';
import { localBank, verify } from './local.js';

const library = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
].find((path) => existsSync(path));
const mongod = [
  process.env.BANKCTL_MONGOD,
  ...(process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'mongod')),
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'bankctl', 'mongod'),
].find((path) => path && existsSync(path));

if (!library || !mongod) {
  conclude('clock', false, `not run: ${library ? 'no mongod' : 'libfaketime'} is not installed.`);
} else {
  await setBack();
}

async function setBack() {
  const fake = await mkdtemp(join(tmpdir(), 'bankctl-clock-'));
  const clock = join(fake, 'offset');
  const wrapper = join(fake, 'mongod');
  await writeFile(clock, '+0\n');
  await writeFile(
    wrapper,
    `#!/bin/sh\nexport LD_PRELOAD=${library} FAKETIME_TIMESTAMP_FILE=${clock} FAKETIME_NO_CACHE=1 ` +
      `FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1\nexec ${mongod} "$@"\n`,
  );
  await chmod(wrapper, 0o755);
  const bank = await localBank({ BANKCTL_MONGOD: wrapper });
  const wrong = [];
  const check = (holds, what) => {
    if (!holds) wrong.push(what);
  };
  try {
    const accounts = [
      ['branch1', 'A'],
      ['branch2', 'B'],
    ];
    for (const [branch, account] of accounts) {
      await bank.json(['open', branch, account, '--balance', '100']);
    }
    await bank.json(['increment', 'branch1', 'A', '5']);
    const before = await bank.json(['history', 'branch1', 'A']);
    const noted = before.at(-1).at;
    await pause(1100);
    await writeFile(clock, '-1h\n');
    await pause(1100);
    // An account that is new is stamped by the clock as it is, which proves that it was set back.
    await bank.json(['open', 'branch2', 'C', '--balance', '1']);
    const [fresh] = await bank.json(['history', 'branch2', 'C']);
    const backMs = Date.parse(noted) - Date.parse(fresh.at);
    check(backMs > 3_500_000, `the clock went back by ${backMs} ms only`);
    for (let index = 0; index < 10; index += 1) {
      await bank.json(['transfer', 'branch1:A', 'branch2:B', '1']);
      await bank.json(['increment', 'branch1', 'A', '2']);
    }
    const expected = new Map([
      ['branch1:A', 115_00n],
      ['branch2:B', 110_00n],
      ['branch2:C', 1_00n],
    ]);
    const all = [...accounts, ['branch2', 'C']];
    const verified = await verify(bank, all, expected);
    wrong.push(...verified.wrong);
    const history = await bank.json(['history', 'branch1', 'A']);
    const newest = history.at(-1).at;
    const at = await bank.json(['balance', 'branch1', 'A', '--at', newest]);
    check(at.balance === '115.00', `--at the newest posting says ${at.balance}`);
    const whole = await bank.json(['balance', '--at', newest]);
    check(whole.totals.USD === '226.00', `all at the newest posting: ${whole.totals.USD}`);
    const earlier = await bank.json(['balance', '--at', fresh.at]);
    check(earlier.totals.USD === '1.00', `all before the step: ${earlier.totals.USD}`);
    const watched = await bank.json(['balance']);
    check(watched.totals.USD === '226.00', `now: ${watched.totals.USD}`);
    conclude(
      'clock',
      wrong.length === 0,
      `set back by ${(backMs / 1000).toFixed(0)} s between 3 and ${verified.postings - 4} postings; ` +
        (wrong.length === 0 ? 'history in order, --at and sums right.' : wrong.join('; ')),
    );
  } finally {
    // Its end goes faster by the true clock.
    await writeFile(clock, '+0\n');
    await bank.end();
    await rm(fake, { recursive: true, force: true });
  }
}
