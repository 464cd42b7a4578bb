// The explorer against the bare driver that issues the same commands, one after the other.
import { rm } from 'node:fs/promises';
import { ratio } from './report.js';
import { bundled, stressHost } from './stress-sources.js';

/** Prints schedules a second of each model, as a share of the bare driver's. */
export async function exhaustiveRate(rounds = 7) {
  const { directory, rate, throwaway } = await bundled();
  const server = await throwaway.startThrowaway(stressHost(), { replicas: 0 });
  try {
    const comparisons = await rate.bareRate(
      { workers: 2, points: ['captured', 'switched', 'resolved', 'indexing', 'written'] },
      {
        ...stressHost(),
        uri: server.uri,
        database: 'bankctl_stress_bench',
        timeoutMs: 10_000,
      },
      rounds,
    );
    for (const { model, schedules, explorer, bare } of comparisons) {
      ratio({
        title: `schedules of the ${model} model, ${schedules} a round`,
        unit: 'a second',
        ours: explorer,
        theirs: bare,
        theirName: 'the same commands by the driver',
        target: { atLeast: 0.8 },
      });
    }
  } finally {
    await server.stop();
    await rm(directory, { recursive: true });
  }
}
