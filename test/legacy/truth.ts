import type { Damage } from './damage.ts';

/** What really happened to the money of one account number. Cents. */
interface NumberTruth {
  /** Net, by `from>to`, of two places in the order of their names; may be negative. */
  readonly misplaced: Map<string, number>;
  /** What matched no account, by the branch it was meant for. */
  readonly lost: Map<string, number>;
  crashed: number;
}

/** The truth about a run, from what the driver's command monitoring saw. */
export interface Truth {
  readonly numbers: ReadonlyMap<string, NumberTruth>;
  /** What each account must hold, by `branch:account`: the calls that were acknowledged. */
  readonly intended: ReadonlyMap<string, number>;
  /** What each account does hold. */
  readonly actual: ReadonlyMap<string, number>;
  readonly counts: Readonly<Record<'right' | 'misplaced' | 'lost' | 'crashed', number>>;
}

/** Adds up the fates of all calls. */
export function truthOf({ plan, fates }: Damage): Truth {
  const calls = new Map(plan.calls.map((call) => [call.id, call]));
  const numbers = new Map<string, NumberTruth>();
  const intended = new Map(plan.opening);
  const actual = new Map(plan.opening);
  const counts = { right: 0, misplaced: 0, lost: 0, crashed: 0 };
  for (const { id, collection, matched, crash } of fates) {
    const call = calls.get(id);
    if (!call) throw new Error(`the program made the call ${id}, which is not in its plan`);
    const { branch, account, cents } = call;
    const truth = numbers.get(account) ?? { misplaced: new Map(), lost: new Map(), crashed: 0 };
    numbers.set(account, truth);
    if (crash !== null) {
      if (collection !== null) throw new Error(`${id} crashed after it was sent: ${crash}`);
      counts.crashed += 1;
      truth.crashed += 1;
      continue;
    }
    if (collection === null || matched === null) throw new Error(`${id} has no fate`);
    add(intended, `${branch}:${account}`, cents);
    if (matched > 0) add(actual, `${collection}:${account}`, cents);
    counts[settle(truth, branch, matched > 0 ? collection : undefined, cents)] += 1;
  }
  return { numbers, intended, actual, counts };
}

/** Counts a call whose money went from its branch's into a collection, or nowhere. */
function settle(
  truth: NumberTruth,
  branch: string,
  landed: string | undefined,
  cents: number,
): 'right' | 'misplaced' | 'lost' {
  if (landed === branch) return 'right';
  if (landed === undefined) {
    add(truth.lost, branch, cents);
    return 'lost';
  }
  const isInOrder = branch < landed;
  add(
    truth.misplaced,
    isInOrder ? `${branch}>${landed}` : `${landed}>${branch}`,
    isInOrder ? cents : -cents,
  );
  return 'misplaced';
}

/** Net cents of an account number that went from one place to another. */
export function netMisplaced(truth: NumberTruth | undefined, from: string, to: string): number {
  const net = (key: string) => truth?.misplaced.get(key) ?? 0;
  return net(`${from}>${to}`) - net(`${to}>${from}`);
}

function add(to: Map<string, number>, key: string, cents: number): void {
  to.set(key, (to.get(key) ?? 0) + cents);
}
