import type { Bank } from '../../bank/bank.ts';
import type { Currency } from '../../core/money.ts';
import type { AccountNumber, Basis, SeenNumber } from '../evidence/seen-numbers.ts';
import { placeName } from './account-state.ts';
import type { Write } from './call-graph.ts';
import type { RecordedDocument } from './history.ts';
import type { Sight } from './traced-calls.ts';

/** The unit of all amounts of a trace: the smallest that any branch has. */
export type Unit = Currency;

interface Setting {
  readonly bank: Bank;
  readonly basis: Basis;
  readonly unit: Unit;
}

/** The writes to one account number that the log should explain. */
export interface PlacedWrites {
  readonly writes: readonly Write[];
  /**
   * A place whose balance is not what it was at the beginning of the log, though the history has no
   * write to it: a clock, the log, or its opening is wrong.
   */
  readonly movedBefore: string | undefined;
}

/**
 * @param number as the evidence saw it; undefined if no file names it
 * @param isWhole whether the history has all that happened since the opening
 */
export function placeWrites(
  documents: readonly RecordedDocument[],
  number: AccountNumber | undefined,
  setting: Setting & Pick<Sight, 'skewMs' | 'firstMs'> & { readonly isWhole: boolean },
): PlacedWrites {
  const { bank, basis, isWhole, skewMs, firstMs } = setting;
  const places = new Map(number?.places.map((seen) => [seen.name, seen]));
  const hasOpening = isWhole && basis === 'opening';
  const writes = documents.flatMap((document): Write[] => {
    const place = placeName(bank.config, document.collection);
    const seen = places.get(place);
    // What bankctl itself posted since the opening may be before the history begins.
    const knowsStart = hasOpening && seen?.postedMinor === undefined;
    const given = knowsStart ? scaled(seen, seen?.givenMinor, setting) : undefined;
    // What is earlier is no call of the log, or is in the balance that it begins with.
    const fromMs = Math.max(firstMs, (seen?.givenAt?.getTime() ?? firstMs) - skewMs);
    const counted = countedWrites(document, seen).filter(({ atMs }) => atMs >= fromMs);
    return counted.map(({ amount, after, atMs }, index) => {
      const isFirst = index === 0 && isStart(document);
      const since = isFirst && given !== undefined && after !== undefined ? after - given : amount;
      return { place, amount: amount ?? since, atMs };
    });
  });
  const written = new Set(documents.map((document) => placeName(bank.config, document.collection)));
  const moved = [...places.values()].find((seen) => !written.has(seen.name) && hasMoved(seen));
  return { writes, movedBefore: hasOpening ? moved?.name : undefined };
}

/** The first thing that the history has of a document, so the balance before it is unknown. */
function isStart({ insertedMinor, own }: RecordedDocument): boolean {
  return insertedMinor === undefined && own[0]?.writes !== 0;
}

function hasMoved({ place, givenMinor, balanceMinor, ownMinor }: SeenNumber): boolean {
  if (!place || givenMinor === undefined || balanceMinor === undefined) return false;
  return balanceMinor !== givenMinor + ownMinor;
}

/** Those after bankctl last took over the balance. */
function countedWrites({ writes, own }: RecordedDocument, seen: SeenNumber | undefined) {
  const version = seen?.base?.version ?? (seen ? undefined : 1n);
  const base = own.find((change) => change.version === version);
  return base ? writes.slice(base.writes) : writes;
}

/**
 * True if the history has all that happened to an account number: each of its documents was
 * inserted in it, with the balance at which the log begins.
 */
export function isCovered(
  documents: readonly RecordedDocument[],
  number: AccountNumber | undefined,
  setting: Setting,
): boolean {
  const byPlace = new Map(
    documents.map((it) => [placeName(setting.bank.config, it.collection), it]),
  );
  return (number?.places ?? []).every((seen) => {
    if (!seen.place) return true;
    const { insertedMinor, own } = byPlace.get(seen.name) ?? {};
    if (seen.base) return own?.some(({ version }) => version === seen.base?.version) === true;
    if (seen.isOpened) return own?.some(({ version }) => version === 1n) === true;
    return (
      insertedMinor !== undefined && insertedMinor === scaled(seen, seen.givenMinor ?? 0n, setting)
    );
  });
}

function scaled(
  seen: SeenNumber | undefined,
  minor: bigint | undefined,
  { unit }: Setting,
): bigint | undefined {
  const digits = seen?.place?.currency?.digits ?? unit.digits;
  return minor === undefined ? undefined : minor * 10n ** BigInt(unit.digits - digits);
}
