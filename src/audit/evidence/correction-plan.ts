import { shellReference } from '../../bank/operations/names.ts';
import { shellWord } from '../../core/text.ts';
import type { Correction, CorrectionLeg } from '../correction.ts';
import type { FindingCode } from '../finding.ts';
import type { BalanceSheet } from './balance-sheet.ts';
import type { SeenNumber } from './seen-numbers.ts';

/** What would mend an account number, and how a person gets there. */
interface Mending {
  /** Undefined if nothing can be planned yet. */
  readonly correction: Correction | undefined;
  /** One or two sentences. */
  readonly repair: string;
}

/** What is said of the account number whose correction is planned. */
interface Damage {
  readonly account: string;
  readonly sheet: BalanceSheet;
  readonly findings: readonly FindingCode[];
  /** One sentence for the reviewer of the plan. */
  readonly why: string;
  /** In a clause, why the right balances are not known. */
  readonly doubt: string | undefined;
  readonly hasJournal: boolean;
}

/** Plans the correction of an account number, unless something has to be done before. Pure. */
export function planCorrection(damage: Damage): Mending {
  const { account, sheet, findings, why } = damage;
  const obstacle = obstacleOf(damage);
  if (obstacle !== undefined) return { correction: undefined, repair: obstacle };
  const legs = [...sheet.residuals].flatMap(([seen, residual]) => legOf(account, seen, residual));
  return {
    correction: { findings: [...new Set(findings)], account, why, legs },
    repair: 'bankctl audit --plan FILE plans the correction; bankctl repair FILE carries it out.',
  };
}

function legOf(account: string, seen: SeenNumber, residual: bigint): readonly CorrectionLeg[] {
  const { name: branch, balanceMinor, version, journalMinor } = seen;
  if (balanceMinor === undefined || version === undefined) return [];
  const outsideMinor = balanceMinor - journalMinor;
  return [{ branch, account, amountMinor: -residual, balanceMinor, version, outsideMinor }];
}

/** What stands in the way of a correction, as what to do about it. */
function obstacleOf({ account, sheet, doubt, hasJournal }: Damage): string | undefined {
  if (doubt !== undefined) return `It is not planned: ${doubt}.`;
  if (!hasJournal) return 'It is not planned: a repair needs a journal, and the config has none.';
  const wrong = [...sheet.residuals.keys()];
  const stray = wrong.find(({ place }) => place?.isBranch === false)?.place;
  if (stray) {
    const name = shellWord(stray.collection);
    return `Add the collection ${name} to the config as a branch, and run bankctl adopt ${name}.`;
  }
  const missing = wrong.find(({ place }) => !place);
  if (missing) {
    const words = shellReference({ branch: missing.name, account });
    return `Open it with bankctl open ${words}, and audit again.`;
  }
  const unstamped = wrong.find(({ version }) => version === undefined);
  if (unstamped) return `Run bankctl adopt ${shellWord(unstamped.name)}, and audit again.`;
  const closed = wrong.find(({ isClosed }) => isClosed);
  if (closed) {
    return (
      `It is not planned: ${closed.name}:${account} is closed, and bankctl posts nothing to it. ` +
      'Settle the money by hand, through another account.'
    );
  }
  const currencies = new Set(wrong.map(({ place }) => place?.currency?.code));
  return currencies.size > 1
    ? 'It is not planned: the branches have different currencies. Post the corrections by hand.'
    : undefined;
}
