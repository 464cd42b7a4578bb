import fc from 'fast-check';

/**
 * A session as plain data: what fast-check draws, shrinks and prints. Numbers point into pools
 * (branches, accounts, ids) and are taken modulo their size, so that every plan makes sense in
 * every world and a step can be left out of it.
 */
export interface Plan {
  readonly world: number;
  readonly steps: readonly Step[];
}

export type Step =
  | ({ readonly do: 'one'; readonly id: number | null; readonly fault: Fault | null } & Dry & {
        readonly ask: AskPlan;
        readonly table: boolean;
        readonly outside: boolean;
      })
  | ({ readonly do: 'apply'; readonly fault: Fault | null } & Dry & FilePlan)
  | ({ readonly do: 'import'; readonly fault: Fault | null } & Dry & ImportPlan)
  | { readonly do: 'together'; readonly what: TogetherPlan }
  | {
      readonly do: 'read';
      readonly what: Reading;
      readonly branch: number;
      readonly account: number;
    }
  | { readonly do: 'round trip'; readonly what: RoundTrip }
  | { readonly do: 'malformed'; readonly what: Malformed; readonly branch: number }
  | { readonly do: 'plain'; readonly minor: number; readonly fault: Fault | null }
  | { readonly do: 'mismatch'; readonly what: Mismatch; readonly read: boolean }
  | ({ readonly do: 'outsider'; readonly what: Outsider } & PlacePlan);

interface Dry {
  /** Whether a dry run goes first, to be compared with the real run. */
  readonly dry: boolean;
}

export interface PlacePlan {
  readonly branch: number;
  readonly account: number;
}

export interface AskPlan extends PlacePlan {
  readonly type: AskType;
  readonly minor: number;
  /** The other end of a transfer; the branch may be the same. */
  readonly other: PlacePlan;
  readonly create: boolean;
  /** Which of the ids used so far is reversed. */
  readonly reverses: number;
}

export const askTypes = [
  'open',
  'increment',
  'transfer',
  'reverse',
  'freeze',
  'unfreeze',
  'close',
  'label',
] as const;
export type AskType = (typeof askTypes)[number];

export interface FilePlan {
  readonly rows: readonly AskPlan[];
  readonly csv: boolean;
  readonly atomic: boolean;
  readonly stop: boolean;
  /** The rows have no ids, and the file is given under a name. */
  readonly batch: boolean;
  /** Characters of each row's memo. */
  readonly memo: number;
  /** The rows come after a hundred small deposits, in long lines or short ones. */
  readonly ballast: 'many' | 'long' | null;
  /** How the same file is given again afterwards. */
  readonly again: readonly Again[];
}

export const agains = ['nothing', 'retry', 'correct', 'deposit first'] as const;
export type Again = (typeof agains)[number];

export interface ImportRow extends PlacePlan {
  readonly minor: number;
  readonly status: 'open' | 'frozen' | 'closed';
}

export interface ImportPlan {
  readonly rows: readonly ImportRow[];
  readonly csv: boolean;
}

/** Commands that run at the same moment. */
export interface TogetherPlan {
  readonly kind: 'asks' | 'one ask many times' | 'one import twice' | 'two imports';
  readonly asks: readonly AskPlan[];
  readonly rows: readonly ImportRow[];
  /** Of the other import. */
  readonly others: readonly ImportRow[];
}

export const readings = [
  'balance',
  'branches',
  'branch',
  'account',
  'history',
  'export',
  'show',
  'show wrong',
  'show refused',
  'balance at',
] as const;
export type Reading = (typeof readings)[number];

export const roundTrips = ['accounts', 'operations', 'shuffled'] as const;
export type RoundTrip = (typeof roundTrips)[number];

export const malformed = [
  'quoted newline in import',
  'quoted newline in apply',
  'pretty array in import',
  'pretty array in apply',
  'id twice',
  'last line cut',
  'batch under two names',
  'results over input',
] as const;
export type Malformed = (typeof malformed)[number];

export const mismatches = [
  'collections swapped',
  'branch renamed',
  'journal renamed',
  'currency changed',
  'database in the URI',
] as const;
export type Mismatch = (typeof mismatches)[number];

export const outsiders = [
  'delete',
  'duplicate',
  'unstamp',
  'stamp for another',
  'balance double',
  'balance NaN',
  'balance huge',
  'balance beyond 96 bits',
  'balance of a tenth of a cent',
  'version missing',
  'version 1.5',
  'balance changed',
] as const;
export type Outsider = (typeof outsiders)[number];

/** What goes wrong between bankctl and the server while a command runs. */
export type Fault =
  | {
      readonly kind: 'fail point';
      readonly commands: readonly FaultCommand[];
      readonly how: number | 'close' | 'write concern';
      readonly times: number;
    }
  | {
      readonly kind: 'cut';
      readonly command: FaultCommand;
      readonly when: 'before' | 'after';
      /** The error that every later attempt of that command meets; none if null. */
      readonly then: number | null;
    }
  | {
      /** The server takes its time for the first such command. */
      readonly kind: 'slow';
      readonly command: FaultCommand;
      readonly ms: number;
    }
  | {
      readonly kind: 'interrupt';
      readonly command: FaultCommand | 'any';
      readonly nth: number;
      readonly when: 'before' | 'after';
      /** Turns of the event loop between the message and the signal. */
      readonly ticks: number;
    };

export const faultCommands = [
  'commitTransaction',
  'insert',
  'update',
  'find',
  'hello',
  'aggregate',
  'findAndModify',
] as const;
export type FaultCommand = (typeof faultCommands)[number];

/**
 * What a server may answer: not permitted (13), unknown authentication (18), illegal operation
 * (20), lock timeout (24), namespace not found (26), time exceeded (50), command not found (59),
 * invalid options (72), shutdown (91), write conflict (112), primary stepped down (189, 10107,
 * 11600), too many transactions (225), no such transaction (251), and Atlas' own (8000).
 */
export const errorCodes = [
  13, 18, 20, 24, 26, 50, 59, 72, 91, 112, 189, 225, 251, 8000, 10107, 11600,
] as const;

const place = { branch: fc.nat(2), account: fc.nat(3) };

/** Mostly cents and small change, so that minimum, zero and equality occur often. */
const minor = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: -300, max: 1_000 }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 100, -100, 500, -500) },
  { weight: 1, arbitrary: fc.integer({ min: -1_000_000, max: 1_000_000 }) },
);

const weightOf: Readonly<Record<AskType, number>> = {
  open: 3,
  increment: 8,
  transfer: 5,
  reverse: 2,
  freeze: 1,
  unfreeze: 1,
  close: 1,
  label: 2,
};

const askType = fc.oneof(
  ...askTypes.map((type) => ({ weight: weightOf[type], arbitrary: fc.constant(type) })),
);

const asks: fc.Arbitrary<AskPlan> = fc.record({
  ...place,
  type: askType,
  minor,
  other: fc.record(place),
  create: fc.boolean(),
  reverses: fc.nat(5),
});

const faultCommand = fc.oneof(
  { weight: 4, arbitrary: fc.constant('commitTransaction' as const) },
  { weight: 3, arbitrary: fc.constantFrom(...faultCommands) },
);

/** No server says of a transaction that it has committed that there is none. */
function isPossible({ command, when, then }: Extract<Fault, { readonly kind: 'cut' }>): boolean {
  return command !== 'commitTransaction' || when !== 'after' || then !== 251;
}

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    kind: fc.constant('fail point' as const),
    commands: faultCommand.map((command) => [command]),
    how: fc.oneof(
      fc.constantFrom(...errorCodes),
      fc.constant('close' as const),
      fc.constant('write concern' as const),
    ),
    times: fc.constantFrom(1, 1, 2, 3),
  }),
  fc
    .record({
      kind: fc.constant('cut' as const),
      command: faultCommand,
      when: fc.constantFrom('before' as const, 'after' as const),
      // Without an error it is the simplest fault, and must occur often.
      // biome-ignore lint/suspicious/noThenProperty: it is data, and no promise
      then: fc.option(fc.constantFrom(...errorCodes)),
    })
    .filter(isPossible),
  fc.record({
    kind: fc.constant('slow' as const),
    command: faultCommand,
    // About as long as the command may take, which is half a second.
    ms: fc.constantFrom(200, 450, 600, 900),
  }),
  fc.record({
    kind: fc.constant('interrupt' as const),
    command: faultCommand,
    nth: fc.constant(0),
    when: fc.constantFrom('before' as const, 'after' as const),
    ticks: fc.nat(8),
  }),
  fc.record({
    kind: fc.constant('interrupt' as const),
    command: fc.constant('any' as const),
    nth: fc.nat(12),
    when: fc.constantFrom('before' as const, 'after' as const),
    ticks: fc.nat(8),
  }),
);

/** Without a journal, the one write is a findAndModify. */
const plainFault = fault.map((each): Fault => {
  if (each.kind === 'fail point') return { ...each, commands: ['findAndModify'] };
  return { ...each, command: 'findAndModify' };
});

/** Half of the commands that may meet a fault do. */
const maybeFault = fc.option(fault, { freq: 2 });

const file = {
  csv: fc.boolean(),
  atomic: fc.boolean(),
  stop: fc.boolean(),
  batch: fc.boolean(),
  memo: fc.constantFrom(0, 0, 0, 10, 499),
  ballast: fc.oneof(
    { weight: 30, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constant('many' as const) },
    { weight: 1, arbitrary: fc.constant('long' as const) },
  ),
  again: fc.array(fc.constantFrom(...agains), { maxLength: 2 }),
};

const importRow: fc.Arbitrary<ImportRow> = fc.record({
  ...place,
  minor,
  status: fc.constantFrom('open' as const, 'open' as const, 'frozen' as const, 'closed' as const),
});

const importRows = fc.uniqueArray(importRow, {
  minLength: 1,
  maxLength: 5,
  selector: ({ branch, account }) => `${branch % 2}:${account}`,
});

function step(faults: boolean): fc.Arbitrary<Step> {
  const maybe = faults ? maybeFault : fc.constant(null);
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('one' as const),
        id: fc.option(fc.nat(4)),
        fault: maybe,
        dry: fc.boolean(),
        ask: asks,
        table: fc.boolean(),
        outside: fc.constant(false),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('apply' as const),
        fault: maybe,
        dry: fc.boolean(),
        rows: fc.array(asks, { minLength: 1, maxLength: 8 }),
        ...file,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('import' as const),
        fault: maybe,
        dry: fc.boolean(),
        rows: importRows,
        csv: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('together' as const),
        what: fc.record({
          kind: fc.constantFrom('asks', 'one ask many times', 'one import twice', 'two imports'),
          asks: fc.array(asks, { minLength: 2, maxLength: 5 }),
          rows: importRows,
          others: importRows,
        }),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('read' as const),
        what: fc.constantFrom(...readings),
        ...place,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('round trip' as const),
        what: fc.constantFrom(...roundTrips),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('malformed' as const),
        what: fc.constantFrom(...malformed),
        branch: fc.nat(2),
      }),
    },
    {
      weight: faults ? 1 : 0,
      arbitrary: fc.record({ do: fc.constant('plain' as const), minor, fault: plainFault }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('mismatch' as const),
        what: fc.constantFrom(...mismatches),
        read: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('outsider' as const),
        what: fc.constantFrom(...outsiders),
        ...place,
      }),
    },
  ) as fc.Arbitrary<Step>;
}

/** Sessions begin with accounts, since commands on an empty bank are all refused alike. */
export function plans({ faults }: { readonly faults: boolean }): fc.Arbitrary<Plan> {
  return fc
    .record({
      world: fc.nat(3),
      opening: importRows,
      steps: fc.array(step(faults), { minLength: 1, maxLength: 7 }),
    })
    .map(({ world, opening, steps }) => ({
      world,
      steps: [
        { do: 'import', fault: null, dry: false, rows: opening, csv: true } as const,
        ...steps,
      ],
    }));
}
