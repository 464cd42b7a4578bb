/** What one column of a view needs, in columns of the terminal. */
export interface Needs {
  /** Amounts and numbers, which are never broken. */
  readonly figure: boolean;
  /** Whether a cell is empty, so that the order of stacked cells would not say what they are. */
  readonly sparse: boolean;
  /** What its title needs before a cell. */
  readonly label: number;
  /** Less would break a word of ordinary length, or a figure. */
  readonly word: number;
  /** A table begins with this or more: texts of ordinary length are not wrapped either. */
  readonly min: number;
  /** With this, nothing is wrapped. */
  readonly natural: number;
}

/** A column of a table as it is drawn: of one column of the view, or of several, stacked. */
export interface Stack {
  readonly members: readonly Member[];
  readonly figure: boolean;
  readonly width: number;
}

/** A column in a stack. */
interface Member {
  /** Its position in the view. */
  readonly index: number;
  /** Whether each of its cells says what it is. */
  readonly labelled: boolean;
}

/** Longer texts and words may be broken in a narrow table. */
export const ordinaryLength = 16;

/** Of each column: a border and two spaces. */
const frame = 3;

/** Between the cells of a stack on one line. */
export const stackGap = '  ';

/**
 * Fits columns into a width: wraps their texts, or stacks columns, whichever gives fewer lines.
 * Figures are stacked only if nothing else helps. A table is wider than asked if a figure is.
 *
 * @param width columns of the terminal
 * @param heightOf how many lines the rows would have
 */
export function planTable(
  needs: readonly Needs[],
  width: number,
  heightOf: (plan: readonly Stack[]) => number,
): readonly Stack[] {
  let stacks: readonly Sized[] = needs.map((_, index) => stackOf([index], needs));
  const plans: (readonly Stack[])[] = [];
  for (;;) {
    const room = width - outerWidth(stacks, 'min');
    const next = merged(stacks, needs);
    if (room >= 0 || !next) plans.push(grown(stacks, room));
    const isEnough = outerWidth(stacks, 'natural') <= width || next?.breaksUpFigures === true;
    if (!next || (plans.length > 0 && isEnough)) break;
    stacks = next.stacks;
  }
  const [first = [], ...more] = plans;
  if (more.length === 0) return first;
  return [first, ...more].toSorted((a, b) => heightOf(a) - heightOf(b))[0] ?? first;
}

/** Whether the plan still holds: words and figures fit, and every cell can be told from others. */
export function fitsPlan(plan: readonly Stack[], needs: readonly Needs[]): boolean {
  return plan.every(({ members, width }) => {
    const indexes = members.map(({ index }) => index);
    const now = stackOf(indexes, needs);
    return (
      now.word <= width &&
      members.every(({ labelled }, at) => labelled || now.members[at]?.labelled !== true)
    );
  });
}

interface Sized extends Omit<Stack, 'width'> {
  readonly word: number;
  readonly min: number;
  readonly natural: number;
}

function stackOf(indexes: readonly number[], needs: readonly Needs[]): Sized {
  const all = indexes.flatMap((index, at) => {
    const need = needs[index];
    if (!need) return [];
    const labelled = at > 0 && (need.figure || need.sparse);
    return {
      ...need,
      member: { index, labelled },
      whole: need.natural + (labelled ? need.label : 0),
    };
  });
  return {
    members: all.map(({ member }) => member),
    figure: all.every(({ figure }) => figure),
    word: Math.max(...all.map(({ word }) => word)),
    min: Math.max(...all.map(({ min }) => min)),
    natural: all.reduce((sum, { whole }) => sum + whole + stackGap.length, -stackGap.length),
  };
}

function outerWidth(stacks: readonly Sized[], size: 'min' | 'natural'): number {
  return stacks.reduce((sum, stack) => sum + stack[size] + frame, 1);
}

interface Merged {
  readonly stacks: readonly Sized[];
  readonly breaksUpFigures: boolean;
}

/** Stacks the two that save most: texts that are neighbours, else texts, else figures, else any. */
function merged(stacks: readonly Sized[], needs: readonly Needs[]): Merged | undefined {
  const pairs = stacks.flatMap((left, at) =>
    stacks.slice(at + 1).map((right, after) => {
      const rank = left.figure !== right.figure ? 0 : left.figure ? 1 : after > 0 ? 2 : 3;
      return { left, right, rank, saved: Math.min(left.min, right.min) };
    }),
  );
  const [best] = pairs.toSorted((a, b) => b.rank - a.rank || b.saved - a.saved);
  if (!best) return undefined;
  const { left, right, rank } = best;
  const indexes = [...left.members, ...right.members].map(({ index }) => index);
  const stack = stackOf(
    indexes.toSorted((a, b) => a - b),
    needs,
  );
  return {
    stacks: stacks.flatMap((one) => (one === left ? stack : one === right ? [] : one)),
    breaksUpFigures: rank < 2,
  };
}

/** Shares out what is left of the width: what needs least to be whole gets it first. */
function grown(stacks: readonly Sized[], room: number): readonly Stack[] {
  let left = Math.max(room, 0);
  const wants = stacks
    .map(({ min, natural }, index) => ({ index, missing: Math.max(natural - min, 0) }))
    .toSorted((a, b) => a.missing - b.missing);
  const shares = new Map<number, number>();
  for (const [at, { index, missing }] of wants.entries()) {
    const share = Math.min(missing, Math.floor(left / (wants.length - at)));
    shares.set(index, share);
    left -= share;
  }
  return stacks.map(({ members, figure, min }, index) => {
    return { members, figure, width: min + (shares.get(index) ?? 0) };
  });
}
