import { databaseError } from '../../database/database-error.ts';
import { decide } from '../check/verdict.ts';
import type { ExhaustiveOptions } from '../options.ts';
import type { ExhaustiveModel } from './exhaustive-models.ts';
import { type CheckedOptions, checkExhaustiveOptions } from './exhaustive-options.ts';
import {
  type ExhaustiveModelResult,
  type ExhaustiveResult,
  evidenceOf,
} from './exhaustive-result.ts';
import { type ExhaustiveHost, ModelRun } from './exhaustive-run.ts';
import { databaseOf, openTrial } from './exhaustive-trial.ts';

/**
 * Drives the real models on a real database through their schedules: all, all with few
 * preemptions, a random sample, or the one that an id names. Interrupted, it says what it covered.
 *
 * @throws BankctlError `usage` where the options do not fit or the state is beyond reach;
 *   otherwise as `openTrial`
 */
export async function runExhaustive(
  options: ExhaustiveOptions,
  host: ExhaustiveHost,
): Promise<ExhaustiveResult> {
  const checked = checkExhaustiveOptions(options);
  const models: ExhaustiveModelResult[] = [];
  for (const model of checked.models) models.push(await runModel(model, checked, host));
  return {
    seed: checked.random?.seed ?? null,
    workers: checked.workers,
    points: checked.points,
    models,
    ...decide(models.map(evidenceOf)),
    ...(host.keep ? { kept: models.map(({ model }) => databaseOf(host, model)) } : {}),
  };
}

/** Explores one model, in a database of its own that is gone afterwards. */
export async function runModel(
  model: ExhaustiveModel,
  options: CheckedOptions,
  host: ExhaustiveHost,
): Promise<ExhaustiveModelResult> {
  const trial = await openTrial({ ...options, model }, host);
  try {
    return await new ModelRun(trial, options, host).run();
  } catch (error) {
    throw databaseError(error, host);
  } finally {
    await trial.close();
  }
}
