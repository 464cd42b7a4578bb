import { openBench } from './bench.ts';
import { findText, hunt } from './hunt.ts';

function option(name: string, fallback: number): number {
  const place = process.argv.indexOf(`--${name}`);
  return place < 0 ? fallback : Number(process.argv[place + 1]);
}

const having = process.argv.indexOf('--having');
const seed = option('seed', Math.floor(Math.random() * 2 ** 31));
const sessions = option('sessions', 1000);
const startedMs = Date.now();
const bench = await openBench();
const rate = (count: number) => (count / ((Date.now() - startedMs) / 1000)).toFixed(1);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void bench.close().finally(() => process.exit(130)));
}
try {
  const { finds, counts, ...played } = await hunt(bench, {
    sessions,
    seed,
    faults: !process.argv.includes('--no-faults'),
    shrinkTries: option('shrink', 150),
    ...(having < 0 ? {} : { having: new RegExp(process.argv[having + 1] ?? '') }),
    survey: process.argv.includes('--survey'),
    found: (find) => console.log(`\n== ${findText(find)}`),
    progress: (count, commands) => {
      if (count % 100 === 0 || process.argv.includes('--verbose'))
        console.error(`model: ${count} sessions, ${commands} commands, ${rate(count)} a second`);
    },
  });
  for (const [kind, count] of counts) console.log(`${count} × ${kind}`);
  console.log(
    `model: seed ${seed}: ${played.sessions} sessions, ${played.commands} commands, ` +
      `${rate(played.sessions)} a second, ${finds.length} differences`,
  );
  process.exitCode = finds.length === 0 ? 0 : 1;
} finally {
  await bench.close();
}
