/** What a whole run has shown. */
export type Verdict = 'demonstrated' | 'clean' | 'not_reproduced' | 'violation' | 'undecided';

/** The result of one model's run, insofar as the verdict depends on it. */
export interface Evidence {
  readonly model: string;
  /** Anomalies, wrong operations or wrong schedules. */
  readonly wrong: number;
  /** Why the record cannot be trusted, so that neither right nor wrong follows from it. */
  readonly doubt?: string | undefined;
  /** Why nothing was put to the test, so that the absence of anomalies proves nothing. */
  readonly vacuity?: string | undefined;
}

/** A verdict, and the reason for one that is `undecided`. */
interface Decision {
  readonly verdict: Verdict;
  readonly reason?: string;
}

/** The model that has the bug: it must go wrong for a run to show anything about the others. */
const control = 'shared';

/**
 * The verdict on all models of a run: a load, schedules, or a stored history.
 *
 * A model that went wrong is evidence only if its own record can be trusted; a model that did not
 * is clean only if something was put to the test.
 *
 * @param broken why the record as a whole cannot be judged to its end, a sentence
 */
export function decide(models: readonly Evidence[], broken?: string): Decision {
  const controls = models.filter(({ model }) => model === control);
  const cures = models.filter(({ model }) => model !== control);
  if (cures.some(({ wrong, doubt }) => wrong > 0 && doubt === undefined)) {
    return { verdict: 'violation' };
  }
  const reason =
    broken ??
    firstReason(models, 'doubt') ??
    firstReason(cures, 'vacuity') ??
    firstReason(
      controls.filter(({ wrong }) => wrong === 0),
      'vacuity',
    ) ??
    (models.length === 0 ? 'No model was run.' : undefined);
  if (reason !== undefined) return { verdict: 'undecided', reason };
  if (controls.length === 0) return { verdict: 'clean' };
  return { verdict: controls.every(({ wrong }) => wrong > 0) ? 'demonstrated' : 'not_reproduced' };
}

function firstReason(models: readonly Evidence[], kind: 'doubt' | 'vacuity'): string | undefined {
  for (const evidence of models) {
    const why = evidence[kind];
    if (why !== undefined) return `Model ${evidence.model}: ${why}`;
  }
  return undefined;
}
