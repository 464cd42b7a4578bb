import type { Currency } from '../../core/money.ts';
import type { AccountNumber, Basis, SeenNumber } from './seen-numbers.ts';
import type { EvidencePlace } from './theorem.ts';

/** What was seen of an account number, in figures that can be compared. */
export interface BalanceSheet {
  readonly places: readonly EvidencePlace[];
  /** The unit of the figures: the smallest that any of the places has. */
  readonly unit: Pick<Currency, 'digits'>;
  /** The currency of all places; undefined if they differ. */
  readonly currency: Currency | undefined;
  /** Minor units of their own currency, by place, that are too many; none are zero. */
  readonly residuals: ReadonlyMap<SeenNumber, bigint>;
}

/** Why an account number cannot be judged, in a clause. */
interface NoSheet {
  readonly reason: string;
}

/** The figures of an account number. Pure. */
export function balanceSheet(
  number: AccountNumber,
  basis: Basis,
  currencyOf: (name: string) => Currency | undefined,
): BalanceSheet | NoSheet {
  const figures: Figures[] = [];
  for (const seen of number.places) {
    const currency = seen.place?.currency ?? currencyOf(seen.name);
    if (!currency) return { reason: `the currency of ${seen.name} is not known` };
    const residual = residualOf(seen, basis);
    if (typeof residual !== 'bigint') return residual;
    if (seen.place || residual !== 0n || hasCalls(seen)) figures.push({ seen, currency, residual });
  }
  const digits = Math.max(0, ...figures.map(({ currency }) => currency.digits));
  const [first] = figures;
  const isShared = figures.every(({ currency }) => currency.code === first?.currency.code);
  const wrong = figures.filter(({ residual }) => residual !== 0n);
  return {
    places: figures.map((figure) => toPlace(figure, basis, digits)),
    unit: { digits },
    currency: isShared ? first?.currency : undefined,
    residuals: new Map(wrong.map(({ seen, residual }) => [seen, residual])),
  };
}

interface Figures {
  readonly seen: SeenNumber;
  readonly currency: Currency;
  readonly residual: bigint;
}

/** True for what could be computed. */
export function isSheet(sheet: BalanceSheet | NoSheet): sheet is BalanceSheet {
  return 'places' in sheet;
}

/** What the place has beyond what was meant. */
function residualOf(seen: SeenNumber, basis: Basis): bigint | NoSheet {
  const { name, place, documents, balanceMinor, givenMinor, base, plus, minus, ownMinor } = seen;
  if (documents > 1) return { reason: `${documents} documents of ${name} have it` };
  if (place && balanceMinor === undefined) {
    return { reason: `it has no balance in ${name} that can be read` };
  }
  const balance = balanceMinor ?? 0n;
  if (basis === 'statement') return givenMinor === undefined ? 0n : balance - givenMinor;
  const start = basis === 'opening' ? (givenMinor ?? 0n) : base?.balanceMinor;
  if (start === undefined && place) return { reason: `bankctl has not adopted it in ${name}` };
  return balance - (start ?? 0n) - (plus.all - minus.all) - ownMinor;
}

function hasCalls({ plus, minus }: SeenNumber): boolean {
  return [plus, minus].some(({ all, unknown }) => all > 0n || unknown > 0n);
}

function toPlace({ seen, currency, residual }: Figures, basis: Basis, digits: number) {
  const scale = 10n ** BigInt(digits - currency.digits);
  const sums = ({ all, missed, matched }: SeenNumber['plus']) => ({
    ...{ all: all * scale, missed: missed * scale, matched: matched * scale },
  });
  return {
    name: seen.name,
    isHeld: seen.place !== undefined,
    residual: residual * scale,
    calls: basis === 'statement' ? undefined : { plus: sums(seen.plus), minus: sums(seen.minus) },
    unknown: { plus: seen.plus.unknown * scale, minus: seen.minus.unknown * scale },
  };
}
