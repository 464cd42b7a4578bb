import fc from 'fast-check';
import type { Bench } from './bench.ts';
import { type Plan, plans } from './plan.ts';
import { type Outcome, play } from './session.ts';
import { playStep } from './steps/index.ts';

/** Which sessions to play. */
export interface Hunt {
  readonly sessions: number;
  /** Session number i is drawn from seed + i alone, so that each can be played again by itself. */
  readonly seed: number;
  readonly faults: boolean;
  /** Sessions whose plan, as JSON, does not match are skipped, and counted as played. */
  readonly having?: RegExp;
  /** Continues after a difference, and shows the first of each kind. */
  readonly survey?: boolean;
  /** The maximum number of attempts at finding the commands of the shortest session. */
  readonly shrinkTries?: number;
  readonly progress?: (played: number, commands: number) => void;
  /** Called with each find as soon as it is shrunk. */
  readonly found?: (find: Find) => void;
}

/** A relation that does not hold, with the shortest session that shows it. */
export interface Find {
  readonly relation: string;
  readonly detail: string;
  /** Of the session that found it. */
  readonly seed: number;
  /** Sessions played until then. */
  readonly after: number;
  readonly log: readonly string[];
}

export interface Hunted {
  readonly sessions: number;
  readonly commands: number;
  readonly finds: readonly Find[];
  /** Sessions that each kind of difference ended. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Plays sessions until one finds a difference; with `survey`, all of them. */
export async function hunt(bench: Bench, options: Hunt): Promise<Hunted> {
  const { sessions, seed, survey = false } = options;
  const counts = new Map<string, number>();
  const finds: Find[] = [];
  let [played, commands] = [0, 0];
  while (played < sessions && (survey || finds.length === 0)) {
    const plan = draw(seed + played, options.faults);
    played += 1;
    if (options.having?.test(JSON.stringify(plan)) === false) continue;
    const outcome = await play(bench, plan, playStep);
    commands += outcome.commands;
    options.progress?.(played, commands);
    if (outcome.failure === undefined) continue;
    const kind = kindOf(outcome);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if (counts.get(kind) !== 1) continue;
    const at = { seed: seed + played - 1, after: played };
    const find = { ...at, ...(await shortest(bench, outcome, at.seed, options)) };
    finds.push(find);
    options.found?.(find);
  }
  return { sessions: played, commands, finds, counts };
}

function draw(seed: number, faults: boolean): Plan {
  const [plan] = fc.sample(plans({ faults }), { seed, numRuns: 1 });
  if (plan === undefined) throw new Error('nothing was drawn');
  return plan;
}

/**
 * Finds of one relation count as one kind, except for the relations that hold for every command.
 */
function kindOf({ failure }: Outcome): string {
  const { relation = '', detail = '' } = failure ?? {};
  if (!relation.endsWith('clean') && relation !== 'harness') return relation;
  const words = /"message":"([^"]*)/.exec(detail)?.[1] ?? detail;
  return `${relation}: ${words.replace(/\d+/g, 'N').split(/\s+/).slice(0, 6).join(' ')}`;
}

/** Removes from a session what its difference does not need. */
async function shortest(
  bench: Bench,
  found: Outcome,
  seed: number,
  { faults, shrinkTries = 150 }: Hunt,
): Promise<Pick<Find, 'relation' | 'detail' | 'log'>> {
  let best = found;
  let tries = 0;
  await fc.check(
    fc.asyncProperty(plans({ faults }), async (smaller) => {
      tries += 1;
      if (tries > shrinkTries) return;
      const outcome = await play(bench, smaller, playStep);
      if (kindOf(outcome) !== kindOf(found)) return;
      best = outcome;
      throw new Error(outcome.failure?.detail);
    }),
    { seed, numRuns: 1, endOnFailure: false },
  );
  const { failure, log } = best;
  return { relation: failure?.relation ?? '', detail: failure?.detail ?? '', log };
}

/** A find as a person reads it and replays it. */
export function findText({ relation, detail, seed, after, log }: Find): string {
  const lines = log.map((line) => `  ${line.replaceAll('\n', '\n  ')}`);
  const repeat = `npm run soak -- model --sessions 1 --seed ${seed}`;
  const where = `In session ${after}; again with: ${repeat}`;
  return [`${relation}: ${detail}`, where, ...lines].join('\n');
}
