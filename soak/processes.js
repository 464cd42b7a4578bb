// 100 bankctl processes at once, incrementing and transferring on the same ten accounts: the exact
// sums, one posting for each, no gap in the versions.
//
// Every process is a command line of its own, with a connection of its own; they meet in the server
// only. Three rounds, against a local database in a temporary directory.
//
// Usage: node soak/processes.js [--processes 100] [--rounds 3]. Takes one to three minutes.
import { conclude, numberOption } from './bankctl.js';
import { localBank, minor, verify } from './local.js';

const processes = numberOption('processes', 100);
const rounds = numberOption('rounds', 3);
const bank = await localBank();
try {
  const accounts = Array.from({ length: 10 }, (_, index) => [
    `branch${(index % 2) + 1}`,
    `ACC-${index}`,
  ]);
  const expected = new Map();
  for (const [branch, account] of accounts) {
    await bank.json(['open', branch, account, '--balance', '1000']);
    expected.set(`${branch}:${account}`, 1000_00n);
  }
  const failures = [];
  let done = 0;
  const started = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    const commands = Array.from({ length: processes }, (_, index) => {
      const [branch, account] = accounts[(index * 7 + round) % 10];
      const [other, target] = accounts[(index * 3 + round + 1) % 10];
      const from = `${branch}:${account}`;
      const to = `${other}:${target}`;
      const amount = `${index % 9}.${String(10 + (index % 90))}`;
      return from === to || index % 2 === 0
        ? { args: ['increment', branch, account, amount], legs: [[from, minor(amount)]] }
        : {
            args: ['transfer', from, to, amount],
            legs: [
              [from, -minor(amount)],
              [to, minor(amount)],
            ],
          };
    });
    const answers = await Promise.all(
      commands.map(({ args }) => bank.run([...args, '--json', '--timeout', '120s'])),
    );
    for (const [index, { status, stderr }] of answers.entries()) {
      if (status !== 0) {
        failures.push(`${commands[index].args.join(' ')}: ${stderr.trim()}`);
        continue;
      }
      done += 1;
      for (const [name, amount] of commands[index].legs) {
        expected.set(name, expected.get(name) + amount);
      }
    }
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const { wrong, postings } = await verify(bank, accounts, expected);
  const problems = [...failures, ...wrong];
  conclude(
    'processes',
    problems.length === 0,
    `${rounds} times ${processes} processes at once on 10 accounts in ${seconds} s, ${done} ` +
      `acknowledged, ${postings} postings; ` +
      (problems.length === 0 ? 'sums exact, no gap.' : problems.slice(0, 5).join('; ')),
  );
} finally {
  await bank.end();
}
