import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countExplanations } from '../../src/audit/evidence/explanations.ts';
import { type EvidencePlace, judge, type Verdict } from '../../src/audit/evidence/theorem.ts';
import { type Fate, lostIn, movedIn, seen } from './fates.ts';

/** All multisets of at most `size` items. */
function* multisets<T>(items: readonly T[], size: number, from = 0): Iterable<readonly T[]> {
  yield [];
  if (size === 0) return;
  for (let at = from; at < items.length; at += 1) {
    for (const rest of multisets(items, size - 1, at)) {
      const item = items[at];
      if (item !== undefined) yield [item, ...rest];
    }
  }
}

function pairsOf(names: readonly string[]) {
  return names.flatMap((from, at) => names.slice(at + 1).map((to) => ({ from, to })));
}

interface World {
  readonly branches: readonly string[];
  readonly held: readonly string[];
  readonly signs: readonly bigint[];
  readonly reported: readonly boolean[];
  readonly calls: number;
}

/** Every world of calls of one unit each, grouped by what an audit sees of it. */
function groupsOf({ branches, held, signs, reported, calls }: World) {
  const kinds = branches.flatMap((branch) =>
    signs.flatMap((amount) =>
      [...held, undefined].flatMap((landed) =>
        reported.map((isReported): Fate => ({ branch, amount, landed, isReported })),
      ),
    ),
  );
  const groups = new Map<string, { places: readonly EvidencePlace[]; worlds: Fate[][] }>();
  for (const fates of multisets(kinds, calls)) {
    const places = seen(fates, branches, held);
    const key = JSON.stringify(places, (_, value) =>
      typeof value === 'bigint' ? `${value}` : value,
    );
    const group = groups.get(key) ?? { places, worlds: [] };
    group.worlds.push([...fates]);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** What a statement says in figures, of the worlds in which it is true. */
function isTrueIn(verdict: Verdict, fates: readonly Fate[], branches: readonly string[]) {
  return verdict.statements.map((one) => {
    if (one.code === 'misplaced_write') return movedIn(fates, one.from, one.to) === one.amount;
    if (one.code === 'outside_write') return false;
    if (one.branch !== undefined) return lostIn(fates, one.branch) === one.amount;
    // What is said of no branch is what is left beside those that are named.
    const named = verdict.statements.flatMap((other) =>
      other.code === 'lost_write' && other.branch !== undefined ? [other.branch] : [],
    );
    const others = branches.filter((name) => !named.includes(name));
    return others.reduce((sum, name) => sum + lostIn(fates, name), 0n) === one.amount;
  });
}

const both = [1n, -1n];
const worlds: readonly (readonly [name: string, world: World])[] = [
  ['one place', world(['A'], ['A'], both, [true, false], 5)],
  ['two places', world(['A', 'B'], ['A', 'B'], [1n], [false], 7)],
  ['two places, reports', world(['A', 'B'], ['A', 'B'], [1n], [true, false], 5)],
  ['two places, both signs', world(['A', 'B'], ['A', 'B'], both, [false], 5)],
  ['two places, both signs, reports', world(['A', 'B'], ['A', 'B'], both, [true, false], 4)],
  ['no place', world(['A', 'B'], [], both, [true, false], 5)],
  ['an account that one of two lacks', world(['A', 'B'], ['A'], both, [true, false], 4)],
  ['three places', world(['A', 'B', 'C'], ['A', 'B', 'C'], [1n], [false], 5)],
  ['three places, reports', world(['A', 'B', 'C'], ['A', 'B', 'C'], [1n], [true, false], 4)],
  ['three places, both signs', world(['A', 'B', 'C'], ['A', 'B', 'C'], both, [false], 4)],
  ['an account that one of three lacks', world(['A', 'B', 'C'], ['B', 'C'], [1n], [false], 5)],
  ['four places', world(['A', 'B', 'C', 'D'], ['A', 'B', 'C', 'D'], [1n], [false], 3)],
];

function world(
  branches: readonly string[],
  held: readonly string[],
  signs: readonly bigint[],
  reported: readonly boolean[],
  calls: number,
): World {
  return { branches, held, signs, reported, calls };
}

describe('in every world of small calls', () => {
  test.each(worlds)('%s', (_, setting) => {
    const groups = groupsOf(setting);
    for (const { places, worlds } of groups) {
      const verdict = judge(places);
      expect(verdict.isContradicted).toBe(false);
      expectTrue(verdict, worlds, setting);
      if (places.some(({ residual }) => residual !== 0n)) expectComplete(verdict, worlds, setting);
      else expect(verdict.statements).toEqual([]);
      expectTight(verdict, worlds);
      const lost = verdict.statements.map((one) => (one.code === 'lost_write' ? one.amount : 0n));
      const missing = places.reduce((sum, { residual }) => sum - residual, 0n);
      expect(lost.reduce((sum, amount) => sum + amount, 0n)).toBe(missing);
    }
    expect(groups.length).toBeGreaterThan(5);
  });

  /** Certain is what holds in all worlds that look the same, and nothing else. */
  function expectTrue(verdict: Verdict, worlds: readonly Fate[][], { branches }: World): void {
    const truths = worlds.map((fates) => isTrueIn(verdict, fates, branches));
    const certain = verdict.statements.map((_, at) => truths.every((truth) => truth[at]));
    expect(verdict.statements.map((one) => one.certain)).toEqual(certain);
  }

  /** What is the same in all of them, and not nothing, is said. */
  function expectComplete(verdict: Verdict, worlds: readonly Fate[][], { branches }: World): void {
    for (const { from, to } of pairsOf(branches)) {
      const nets = new Set(worlds.map((fates) => movedIn(fates, from, to)));
      const [net = 0n] = nets;
      if (nets.size > 1 || net === 0n) continue;
      const [giver, taker, amount] = net > 0n ? [from, to, net] : [to, from, -net];
      expect(verdict.statements).toContainEqual({
        ...{ code: 'misplaced_write', from: giver, to: taker, amount, certain: true },
      });
    }
    for (const branch of branches) {
      const losses = new Set(worlds.map((fates) => lostIn(fates, branch)));
      const [amount = 0n] = losses;
      if (losses.size > 1 || amount === 0n) continue;
      const lost = { code: 'lost_write', branch, amount, certain: true };
      expect(verdict.statements).toContainEqual(lost);
    }
  }

  /** The bounds are attained. */
  function expectTight({ bounds, statements }: Verdict, worlds: readonly Fate[][]): void {
    if (!bounds) return;
    const nets = worlds.map((fates) => movedIn(fates, bounds.from, bounds.to)).sort(byAmount);
    expect([nets[0], nets.at(-1)]).toEqual([bounds.min, bounds.max]);
    for (const one of statements) {
      if (one.code !== 'misplaced_write') continue;
      const net = one.from === bounds.from ? one.amount : -one.amount;
      expect(net >= bounds.min && net <= bounds.max).toBe(true);
    }
  }
});

function byAmount(left: bigint, right: bigint): number {
  return Number(left - right);
}

/** Every choice of one item from each list. */
function* choices<T>(lists: readonly (readonly T[])[]): Iterable<readonly T[]> {
  const [first, ...rest] = lists;
  if (!first) {
    yield [];
    return;
  }
  for (const others of choices(rest)) for (const item of first) yield [item, ...others];
}

describe('calls of any amounts', () => {
  const names = ['A', 'B', 'C'];
  const amount = fc.oneof(
    fc.bigInt({ min: -4n, max: 12n }),
    fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }),
    fc.constantFrom(1000n, 2500n),
  );
  const setting = fc.integer({ min: 1, max: 3 }).chain((count) => {
    const branches = names.slice(0, count);
    const call = fc.record({
      branch: fc.constantFrom(...branches),
      amount: amount.filter((minor) => minor !== 0n),
      landed: fc.constantFrom(...branches, undefined),
      isReported: fc.boolean(),
    });
    return fc.record({
      branches: fc.constant(branches),
      fates: fc.array(call, { minLength: 1, maxLength: 6 }),
    });
  });

  test('what is certain holds in all worlds with these calls and balances', () => {
    fc.assert(
      fc.property(setting, ({ branches, fates }) => {
        const places = seen(fates, branches, branches);
        const verdict = judge(places);
        expect(verdict.isContradicted).toBe(false);
        const options = fates.map((fate) =>
          [...branches, undefined]
            .filter((landed) => !fate.isReported || !landed === !fate.landed)
            .map((landed): Fate => ({ ...fate, landed })),
        );
        const residuals = places.map(({ residual }) => residual).join();
        const worlds = [...choices(options)].filter(
          (other) => residuals === residualsOf(other, branches),
        );
        for (const other of worlds) {
          const truths = isTrueIn(verdict, other, branches);
          expect(verdict.statements.filter((one, at) => one.certain && !truths[at])).toEqual([]);
          const { bounds } = verdict;
          const net = bounds ? movedIn(other, bounds.from, bounds.to) : 0n;
          expect(net >= (bounds?.min ?? net) && net <= (bounds?.max ?? net)).toBe(true);
        }
        expect(worlds.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });

  test('the order of the branches changes nothing that is certain', () => {
    fc.assert(
      fc.property(setting, ({ branches, fates }) => {
        const places = seen(fates, branches, branches);
        const certain = ({ statements }: Verdict) =>
          statements
            .filter((one) => one.certain)
            .map((one) => JSON.stringify({ ...one, amount: `${one.amount}` }))
            .sort();
        expect(certain(judge(places.toReversed()))).toEqual(certain(judge(places)));
      }),
    );
  });

  function residualsOf(fates: readonly Fate[], branches: readonly string[]): string {
    return seen(fates, branches, branches)
      .map(({ residual }) => residual)
      .join();
  }
});

describe('the number of explanations', () => {
  /** Every way of moving whole units along arcs, for arcs whose lines form no loop. */
  function* loopless(
    arcs: readonly (readonly [number, number])[],
    residuals: readonly bigint[],
    groups: readonly number[],
    most: bigint,
  ): Iterable<string> {
    const [arc, ...rest] = arcs;
    if (!arc) {
      if (residuals.every((left) => left === 0n)) yield '';
      return;
    }
    yield* loopless(rest, residuals, groups, most);
    const [from, to] = arc;
    const [one, other] = [groups[from], groups[to]];
    if (one === other) return;
    const joined = groups.map((group) => (group === other ? (one ?? 0) : group));
    for (let amount = 1n; amount <= most; amount += 1n) {
      const after = residuals.map((left, node) => {
        if (node === to) return left - amount;
        return node === from ? left + amount : left;
      });
      for (const more of loopless(rest, after, joined, most)) {
        yield `${from}>${to}:${amount} ${more}`;
      }
    }
  }

  test.each([1, 2, 3])('is right for %i places', (count) => {
    const nodes = Array.from({ length: count + 1 }, (_, node) => node);
    const arcs = nodes.flatMap((from) =>
      nodes.flatMap((to) => (from === to || from === count ? [] : [[from, to] as const])),
    );
    const values = [-2n, -1n, 0n, 1n, 2n].map((value) => [value]);
    const vectors = [...choices(Array.from({ length: count }, () => values.flat()))];
    for (const residuals of vectors) {
      const missing = residuals.reduce((sum, residual) => sum - residual, 0n);
      const ways = new Set(loopless(arcs, [...residuals, missing], nodes, 6n));
      const places = residuals.map((residual) => ({
        ...{ isHeld: true, residual },
        calls: {
          plus: { all: 100n, missed: 0n, matched: 0n },
          minus: { all: 0n, missed: 0n, matched: 0n },
        },
      }));
      expect([residuals, countExplanations(places)]).toEqual([residuals, ways.size]);
    }
  });
});

describe('the rules of docs/legacy.md', () => {
  const sums = (all: bigint, missed = 0n, matched = 0n) => ({ all, missed, matched });
  const many = { plus: sums(1000n), minus: sums(0n) };
  const some = (
    residuals: readonly bigint[],
    more: Partial<EvidencePlace> = {},
  ): readonly EvidencePlace[] =>
    residuals.map((residual, at) => ({
      ...{ name: names[at] ?? '', isHeld: true, residual, calls: many },
      ...{ unknown: { plus: 0n, minus: 0n }, ...more },
    }));
  const names = ['A', 'B', 'C', 'D', 'E', 'F'];
  const said = ({ statements, explanations }: Verdict) => [
    ...statements.map((one) => {
      const where = one.code === 'misplaced_write' ? `${one.from}>${one.to}` : (one.branch ?? '*');
      return `${one.code.slice(0, -6)} ${where} ${one.amount}${one.certain ? '!' : ''}`;
    }),
    ...(explanations === undefined ? [] : [`of ${explanations}`]),
  ];

  test.each<readonly [residuals: string, expected: readonly string[]]>([
    ['0', []],
    ['0 0 0', []],
    ['-5', ['lost A 5!']],
    ['5', ['outside A 5']],
    ['-5 5', ['misplaced A>B 5!']],
    ['-5 2', ['misplaced A>B 2', 'lost * 3!', 'of 2']],
    ['-5 -3', ['lost * 8!', 'of 3']],
    ['-5 0', ['lost * 5!', 'of 2']],
    ['-5 7', ['misplaced A>B 5', 'outside * 2']],
    ['-5 5 0', ['misplaced A>B 5', 'of 2']],
    ['-2000', ['lost A 1000', 'outside A -1000']],
    ['-5 5 0 0 0 0', ['misplaced A>B 5']],
  ])('%s', (residuals, expected) => {
    expect(said(judge(some(residuals.split(' ').map(BigInt))))).toEqual(expected);
  });

  test('money that came into a stray, which no call is meant for, has one origin', () => {
    const [branch, stray] = some([-5n, 2n]);
    const none = { plus: sums(0n), minus: sums(0n) };
    const places = [branch, stray && { ...stray, calls: none }].flatMap((it) => it ?? []);
    expect(said(judge(places))).toEqual(['misplaced A>B 2!', 'lost A 3!']);
  });

  test('without a log, only one place leaves no other explanation', () => {
    const bare = { calls: undefined };
    expect(said(judge(some([-5n], bare)))).toEqual(['lost A 5!']);
    expect(said(judge(some([5n], bare)))).toEqual(['outside A 5']);
    expect(said(judge(some([-5n, 5n], bare)))).toEqual(['misplaced A>B 5']);
    expect(said(judge(some([-5n, 2n], bare)))).toEqual(['misplaced A>B 2', 'lost * 3']);
  });

  test('calls of unknown outcome explain what they can, and leave nothing certain', () => {
    const unknown = { unknown: { plus: 3n, minus: 0n } };
    expect(said(judge(some([3n], unknown)))).toEqual([]);
    expect(said(judge(some([0n], unknown)))).toEqual([]);
    expect(said(judge(some([-5n], unknown)))).toEqual(['lost A 5']);
    expect(said(judge(some([7n], unknown)))).toEqual(['outside A 4']);
  });

  test('calls of unknown outcome may have landed elsewhere', () => {
    const [a, b] = some([0n, 5n]);
    const places = [a && { ...a, unknown: { plus: 3n, minus: 0n } }, b].flatMap((it) => it ?? []);
    expect(said(judge(places))).toEqual(['misplaced A>B 3', 'outside * 2']);
  });

  test('nothing is certain about residuals that may be wrong', () => {
    expect(said(judge(some([-5n]), { isDoubtful: true }))).toEqual(['lost A 5']);
  });
});
