import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Call, Write } from '../../src/audit/trace/call-graph.ts';
import { type Fates, findFates, type Matched } from '../../src/audit/trace/matching.ts';

/** Every way to explain all writes, each as the write of each call, undefined for none. */
function* everyMatching(
  calls: readonly Call[],
  writes: readonly Write[],
): Iterable<readonly (number | undefined)[]> {
  function* extend(chosen: readonly (number | undefined)[]): Iterable<typeof chosen> {
    const call = calls[chosen.length];
    if (!call) {
      if (writes.every((_, write) => chosen.includes(write))) yield chosen;
      return;
    }
    if (call.landed !== 'yes') yield* extend([...chosen, undefined]);
    if (call.landed === 'no') return;
    for (const [index, write] of writes.entries()) {
      if (fits(call, write) && !chosen.includes(index)) yield* extend([...chosen, index]);
    }
  }
  yield* extend([]);
}

function fits({ amount, fromMs, toMs }: Call, write: Write): boolean {
  if (write.amount !== undefined && write.amount !== amount) return false;
  return write.atMs >= fromMs && write.atMs <= toMs;
}

/** The fates by definition; undefined if there is no matching. */
function fatesByForce(
  calls: readonly Call[],
  writes: readonly Write[],
): readonly Fates[] | undefined {
  const matchings = [...everyMatching(calls, writes)];
  if (matchings.length === 0) return undefined;
  return calls.map((_, call) => {
    const taken = new Set(matchings.map((matching) => matching[call]));
    const places = [...taken].flatMap((it) => (it === undefined ? [] : (writes[it]?.place ?? [])));
    return { places: [...new Set(places)].sort(), lost: taken.has(undefined) };
  });
}

const moment = fc.integer({ min: 0, max: 12 });

const call: fc.Arbitrary<Call> = fc.record({
  amount: fc.bigInt({ min: 1n, max: 3n }),
  fromMs: fc.oneof(moment, fc.constant(Number.NEGATIVE_INFINITY)),
  toMs: fc.oneof(moment, fc.constant(Number.POSITIVE_INFINITY)),
  landed: fc.constantFrom('yes', 'no', 'maybe', 'maybe', 'maybe'),
});

const write: fc.Arbitrary<Write> = fc.record({
  place: fc.constantFrom('branch1', 'branch2', 'bank_account'),
  amount: fc.oneof(
    { weight: 6, arbitrary: fc.bigInt({ min: 1n, max: 3n }) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  ),
  atMs: moment,
});

/** Calls with what became of each. */
const history = fc
  .array(
    fc.record({
      call,
      place: fc.constantFrom('branch1', 'branch2', undefined),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      isUnknown: fc.boolean(),
    }),
    { maxLength: 40 },
  )
  .map((events) =>
    events.map(({ call: it, place, share, isUnknown }) => {
      const [fromMs, toMs] = [Math.min(it.fromMs, it.toMs), Math.max(it.fromMs, it.toMs)];
      const low = Math.max(fromMs, 0);
      const atMs = low + Math.floor(share * (Math.min(toMs, 12) - low));
      const knows = it.landed !== 'maybe';
      const landed = knows ? (place === undefined ? 'no' : 'yes') : 'maybe';
      const amount = isUnknown && it.amount === 1n ? undefined : it.amount;
      return {
        call: { ...it, fromMs, toMs, landed } satisfies Call,
        write: place === undefined ? undefined : ({ place, amount, atMs } satisfies Write),
      };
    }),
  );

function explained(matched: Matched): readonly Fates[] {
  if (matched.kind === 'explained') return matched.fates;
  throw new Error(`It is ${matched.kind}.`);
}

describe('the fates of calls', () => {
  test('are those of all matchings, tried one by one', () => {
    fc.assert(
      fc.property(
        fc.array(call, { maxLength: 6 }),
        fc.array(write, { maxLength: 6 }),
        (calls, writes) => {
          const expected = fatesByForce(calls, writes);
          const found = findFates(calls, writes);
          expect(found.kind).toBe(expected ? 'explained' : 'contradicted');
          if (expected) expect(explained(found)).toEqual(expected);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('are those of all matchings, also where there always is one', () => {
    fc.assert(
      fc.property(history, (events) => {
        const few = events.slice(0, 6);
        const calls = few.map((it) => it.call);
        const writes = few.flatMap((it) => it.write ?? []);
        expect(explained(findFates(calls, writes))).toEqual(fatesByForce(calls, writes));
      }),
      { numRuns: 2000 },
    );
  });

  test('hold the truth, and what is certain is true', () => {
    fc.assert(
      fc.property(history, (events) => {
        const writes = events.flatMap((it) => it.write ?? []);
        const fates = explained(
          findFates(
            events.map((it) => it.call),
            writes,
          ),
        );
        for (const [index, { write: it }] of events.entries()) {
          const { places = [], lost } = fates[index] ?? {};
          if (it) expect(places).toContain(it.place);
          else expect(lost).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

const at = (fromMs: number, toMs: number): Call => ({
  amount: 5n,
  fromMs,
  toMs,
  landed: 'maybe',
});
const wrote = (place: string, atMs: number, amount: bigint | undefined = 5n): Write => ({
  place,
  amount,
  atMs,
});
const always = at(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);

describe('what cannot be explained', () => {
  test('a write without a call is named, and no call is certain', () => {
    const matched = findFates([at(0, 10), at(20, 30)], [wrote('branch2', 5), wrote('branch1', 50)]);
    expect(matched).toMatchObject({ kind: 'contradicted', unexplained: [1], moreUnexplained: 0 });
    expect(matched).toMatchObject({ fates: [{ places: ['branch2'], lost: true }, { lost: true }] });
  });

  test('of two writes for one call it is not known which is too much', () => {
    const matched = findFates([at(0, 10)], [wrote('branch2', 5), wrote('branch1', 6)]);
    expect(matched).toMatchObject({ kind: 'contradicted', unexplained: [], moreUnexplained: 1 });
  });

  test('a call that changed a document needs a write', () => {
    const landed = { ...at(0, 10), landed: 'yes' } as const;
    expect(findFates([landed, landed], [wrote('branch2', 5)])).toMatchObject({
      kind: 'contradicted',
      unexplained: [],
      callsLeft: [1],
    });
  });

  test('a call that changed none explains no write', () => {
    const nowhere = { ...at(0, 10), landed: 'no' } as const;
    const matched = findFates([nowhere], [wrote('branch1', 5)]);
    expect(matched).toMatchObject({ kind: 'contradicted', unexplained: [0] });
  });

  test('more edges than allowed leave it undecided', () => {
    expect(findFates([always, always], [wrote('branch1', 1)], 1)).toEqual({ kind: 'undecided' });
  });
});

describe('many equal calls', () => {
  const size = 100_000;
  const places = ['branch1', 'branch2'];
  const writes = Array.from({ length: size - 1 }, (_, index) =>
    wrote(places[index % 2] ?? '', index),
  );

  test('without times take linear time', () => {
    const fates = explained(findFates(writes.map(() => always).concat(always), writes));
    expect(fates).toHaveLength(size);
    expect(new Set(fates.map((it) => JSON.stringify(it)))).toEqual(
      new Set([JSON.stringify({ places, lost: true })]),
    );
  });

  test('in a long chain of windows, one that is lost makes all of them uncertain', () => {
    const chain = Array.from({ length: size }, (_, index) => at(index - 1, index));
    const fates = explained(findFates(chain, writes));
    expect(fates.every(({ lost }) => lost)).toBe(true);
  });

  test('and without one that is lost, all of them are certain', () => {
    const chain = writes.map((_, index) => at(index, index + 1));
    const fates = explained(findFates(chain, writes));
    expect(fates.every(({ places: found, lost }) => found.length === 1 && !lost)).toBe(true);
  });

  test('with mixed knowledge, windows of many sizes and unknown amounts, it takes seconds', () => {
    const calls = Array.from({ length: size }, (_, index): Call => {
      const width = 2 ** (index % 14);
      const it = at(index - width, index + width);
      return { ...it, landed: index % 3 === 0 && index % 7 !== 0 ? 'yes' : 'maybe' };
    });
    const some = writes.map((it, index) =>
      index === 0 || index === 5 ? { ...it, amount: undefined } : it,
    );
    const fates = explained(findFates(calls, some));
    expect(fates.filter(({ lost }) => lost).length).toBeGreaterThan(0);
    expect(fates.every(({ lost }, index) => !lost || calls[index]?.landed !== 'yes')).toBe(true);
  });
});
