import type { BranchMoney } from '../stress/check/findings.ts';
import { anomalies } from '../stress/check/findings.ts';
import type { ModelResult, StressResult } from '../stress/result.ts';
import {
  amount,
  anyObject,
  flag,
  listOf,
  mapOf,
  measure,
  nullable,
  objectOf,
  oneOf,
  optional,
  type ResultForm,
  type Schema,
  text,
  wholeNumber,
} from './result-schema.ts';

const counts = mapOf(wholeNumber);

const model = objectOf<ModelResult>({
  ...{ model: text, operations: wholeNumber, acknowledged: wholeNumber, wrong: wholeNumber },
  ...{ misplaced: wholeNumber, lost: wholeNumber, crashed: wholeNumber },
  left_switched: optional(wholeNumber),
  first_wrong: optional(anyObject),
  branches: optional(
    listOf(objectOf<BranchMoney>({ branch: text, expected: amount, actual: amount })),
  ),
  throughput: optional(measure),
  latency_ms: optional(mapOf(measure)),
  ...{ refused: optional(wholeNumber), unknown: optional(wholeNumber) },
  ...{ unknown_applied: optional(wholeNumber), retried: optional(wholeNumber) },
  ...{ anomalies: optional(counts), faults: optional(anyObject) },
  ...{ schedules: optional(wholeNumber), schedules_per_second: optional(measure) },
  ...{ conflicted: optional(wholeNumber), deadlocked: optional(wholeNumber) },
  ...{ stuck: optional(wholeNumber), trouble: optional(text), complete: optional(flag) },
  ...{ covered: optional(text), shortest_wrong: optional(anyObject) },
  replayed: optional(anyObject),
});

/** A model with a journal has a count of each anomaly; an exploration says what it tried. */
const more: Readonly<Record<string, Schema>> = {
  ...Object.fromEntries(anomalies.map((name) => [name, wholeNumber])),
  ...{ workers: wholeNumber, points: listOf(text), distinct: wholeNumber, reconciled: flag },
  total: nullable({ type: 'string', pattern: '^\\d+$' }),
};

/** What `stress` prints. */
export const stressForms: readonly ResultForm[] = [
  oneOf(
    objectOf<StressResult>({
      ...{ seed: optional(nullable(wholeNumber)), workers: optional(wholeNumber) },
      points: optional(listOf(text)),
      models: listOf({ ...model, properties: { ...Object(model['properties']), ...more } }),
      ...{ verdict: text, reason: optional(text), kept: optional(listOf(text)) },
    }),
  ),
];
