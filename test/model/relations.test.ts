import { Decimal128, type Document, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { type Account, ask, type Bank, emptyBank, noProfile, type Wanted } from './bank.ts';
import type { Ran } from './relations.ts';
import * as relations from './relations.ts';
import { type Snapshot, snapshotOf } from './snapshot.ts';
import { rulesOf, type World, worlds } from './worlds.ts';

const world = worlds[0] as World;
const account = { branch: 'branch1', account: 'A' };

/** A bank with one account, opened with 1.00 by the operation `op-1`; and doctored ones. */
function stored(
  doctored: { minor?: bigint; version?: number; stamp?: string; ids?: string[] } = {},
) {
  const { minor = 100n, version = 1, stamp = 'branch1', ids = ['op-1'] } = doctored;
  const decimal = Decimal128.fromString(`${minor / 100n}.${String(minor % 100n).padStart(2, '0')}`);
  const document = {
    ...{ account_number: 'A', branch: stamp, balance: decimal },
    ...{ version: Long.fromNumber(version), status: 'open' },
  };
  const opening = { ...account, account_number: 'A', version: Long.fromNumber(1) };
  const money = {
    amount: Decimal128.fromString('1.00'),
    balance_after: Decimal128.fromString('1.00'),
  };
  const journal = ids.map((_id) => ({
    ...{ _id, type: 'open', at: new Date(1), by: 'x', request: '' },
    postings: [{ ...opening, ...money }],
  }));
  return snapshotOf(
    new Map<string, Document[]>(Object.entries({ branch1: [document], journal })),
    world,
  );
}

const nothing: Snapshot = snapshotOf(new Map(), world);
const bank = stored();

function ran(doctored: Partial<Ran> = {}): Ran {
  return { argv: ['open'], status: 0, stdout: '', stderr: '', results: [], ...doctored };
}

function json(value: unknown, status = 0): Ran {
  return ran({ status, stdout: JSON.stringify(value) });
}

function failed(message: string, status = 3): Ran {
  return ran({ status, stderr: `{"error":{"code":"timed_out","message":"${message}","hint":""}}` });
}

const request = { id: 'op-1', memo: '', ask: { type: 'open', at: account, minor: 100n } } as const;
const [model] = ask(emptyBank, rulesOf(world), request, { row: false, retryRefused: false });
const changed = (fields: Partial<Account>): Bank => {
  const same = { minor: 100n, version: 1, status: 'open', profile: noProfile } as const;
  return { ...model, accounts: new Map([['branch1:A', { ...same, ...fields }]]) };
};
const poorer = changed({ minor: 99n });

const opened = { operation: 'op-1', replayed: false, ...account, balance: '1.00', version: 1 };
const counted = { applied: 1, replayed: 0, refused: 0 };
const line = { line: 1, id: 'op-1', outcome: 'applied' };
const imported = { read: 1, created: 1, duplicate: 0, conflict: 0, rejected: 0 };
const wanted: Wanted = { ...account, minor: 100n, status: 'open' };
const rows = new Map([[1, wanted]]);
const total = (text: string, accounts = 1) => ({
  branches: [
    { branch: 'branch1', currency: 'USD', accounts, total: text },
    { branch: 'branch2', currency: 'USD', accounts: 0, total: '0.00' },
  ],
  totals: { USD: text },
});

type Canary = readonly [what: string, holds: () => void, objects: () => void];

/** Of each relation: something that it lets pass, and something doctored. */
const canaries: Readonly<Record<string, readonly Canary[]>> = {
  clean: [
    ['a status', () => relations.clean(ran()), () => relations.clean(ran({ status: 7 }))],
    [
      'a stack trace',
      () => relations.clean(failed('No.')),
      () => relations.clean(ran({ status: 1, stderr: 'x\n    at main (main.ts:1)' })),
    ],
    [
      'a bug',
      () => relations.clean(failed('No.', 1)),
      () => relations.clean(failed('This is a bug in bankctl', 1)),
    ],
    ['silence', () => relations.clean(ran()), () => relations.clean(ran({ status: 1 }))],
  ],
  fateAsSaid: [
    [
      'done, but not stored',
      () => relations.fateAsSaid(ran(), 'op-1', nothing, bank),
      () => relations.fateAsSaid(ran(), 'op-1', nothing, nothing),
    ],
    [
      'not applied, but stored',
      () =>
        relations.fateAsSaid(
          failed('The operation op-1 was not applied.'),
          'op-1',
          nothing,
          nothing,
        ),
      () =>
        relations.fateAsSaid(failed('The operation op-1 was not applied.'), 'op-1', nothing, bank),
    ],
    [
      'applied, but not there',
      () => relations.fateAsSaid(failed('Operation op-1 was applied.'), 'op-1', nothing, bank),
      () => relations.fateAsSaid(failed('Operation op-1 was applied.'), 'op-1', nothing, nothing),
    ],
    [
      'unknown, without the id',
      () =>
        relations.fateAsSaid(
          failed('Operation op-1 may or may not be applied'),
          'op-1',
          nothing,
          bank,
        ),
      () => relations.fateAsSaid(failed('It may or may not be applied'), 'op-1', nothing, bank),
    ],
    [
      'applied silently',
      () => relations.fateAsSaid(failed('Interrupted.', 130), 'op-1', nothing, nothing),
      () => relations.fateAsSaid(failed('Interrupted.', 130), 'op-1', nothing, bank),
    ],
    [
      'refused, but there',
      () => relations.fateAsSaid(failed('below', 1), 'op-1', nothing, nothing),
      () => relations.fateAsSaid(failed('below', 1), 'op-1', nothing, bank),
    ],
  ],
  resultAsStored: [
    [
      'another version',
      () => relations.resultAsStored(json(opened), 'op-1', nothing, bank),
      () => relations.resultAsStored(json({ ...opened, version: 2 }), 'op-1', nothing, bank),
    ],
    [
      'a replay reported as new',
      () => relations.resultAsStored(json({ ...opened, replayed: true }), 'op-1', bank, bank),
      () => relations.resultAsStored(json(opened), 'op-1', bank, bank),
    ],
    [
      'another id',
      () => relations.resultAsStored(json(opened), 'op-1', nothing, bank),
      () => relations.resultAsStored(json({ ...opened, operation: 'p' }), 'op-1', nothing, bank),
    ],
  ],
  wroteNothing: [
    [
      'an extra document',
      () => relations.wroteNothing('nothing', ran(), bank, stored()),
      () => relations.wroteNothing('nothing', ran(), nothing, bank),
    ],
  ],
  dryAsReal: [
    [
      'other counts',
      () => relations.dryAsReal(json({ ...counted, dry_run: true }), json(counted)),
      () =>
        relations.dryAsReal(json({ ...counted, dry_run: true }), json({ ...counted, applied: 2 })),
    ],
    [
      'another code',
      () => relations.dryAsReal(failed('a', 1), failed('b', 1)),
      () => relations.dryAsReal(failed('a', 1), failed('a', 3)),
    ],
  ],
  fateAsModelled: [
    [
      'applied, but expected to be refused',
      () => relations.fateAsModelled(ran(), { kind: 'applied', postings: [] }, false),
      () => relations.fateAsModelled(ran(), { kind: 'refused', codes: ['x'] }, false),
    ],
    [
      'for another reason',
      () =>
        relations.fateAsModelled(failed('', 1), { kind: 'refused', codes: ['timed_out'] }, false),
      () => relations.fateAsModelled(failed('', 1), { kind: 'refused', codes: ['x'] }, false),
    ],
    [
      'applied, but expected to be replayed',
      () => relations.fateAsModelled(json(opened), { kind: 'applied', postings: [] }, false),
      () => relations.fateAsModelled(json(opened), { kind: 'replayed', postings: [] }, false),
    ],
  ],
  applyCounts: [
    [
      'more than the journal has',
      () => relations.applyCounts({ ...json(counted), results: [line] }, nothing, bank),
      () => relations.applyCounts({ ...json(counted), results: [line] }, bank, bank),
    ],
    [
      'more than the results have',
      () => relations.applyCounts({ ...json(counted), results: [line] }, nothing, bank),
      () => relations.applyCounts(json(counted), nothing, bank),
    ],
    [
      'a refusal with status 0',
      () => relations.applyCounts(json({ ...counted, applied: 0, refused: 1 }, 1), bank, bank),
      () => relations.applyCounts(json({ ...counted, applied: 0, refused: 1 }), bank, bank),
    ],
  ],
  resultLines: [
    [
      'applied, but not there',
      () => relations.resultLines(ran({ results: [line] }), nothing, bank),
      () => relations.resultLines(ran({ results: [line] }), nothing, nothing),
    ],
    [
      'refused, but there',
      () => relations.resultLines(ran({ results: [] }), nothing, bank),
      () =>
        relations.resultLines(ran({ results: [{ ...line, outcome: 'refused' }] }), nothing, bank),
    ],
    [
      'replayed for the first time',
      () => relations.resultLines(ran({ results: [{ ...line, outcome: 'replayed' }] }), bank, bank),
      () =>
        relations.resultLines(ran({ results: [{ ...line, outcome: 'replayed' }] }), nothing, bank),
    ],
    [
      'a line twice',
      () => relations.resultLines(ran({ results: [line] }), nothing, bank),
      () => relations.resultLines(ran({ results: [line, line] }), nothing, bank),
    ],
  ],
  failedFile: [
    [
      'nothing, but something',
      () => relations.failedFile(failed('Nothing was imported.'), bank, bank),
      () => relations.failedFile(failed('Nothing was imported.'), nothing, bank),
    ],
    [
      'in silence',
      () => relations.failedFile(failed('Interrupted.', 130), bank, bank),
      () => relations.failedFile(failed('Interrupted.', 130), nothing, bank),
    ],
    [
      'interrupted, with other counts',
      () => relations.failedFile(interrupted(1, 0), nothing, bank),
      () => relations.failedFile(interrupted(0, 0), nothing, bank),
    ],
    [
      'interrupted, with more than can be',
      () => relations.failedFile(interrupted(0, 1), nothing, bank),
      () => relations.failedFile(interrupted(1, 1), bank, bank),
    ],
    [
      'another number',
      () =>
        relations.failedFile(
          failed('The first rows are done: 1 accounts were created'),
          nothing,
          bank,
        ),
      () =>
        relations.failedFile(
          failed('The first rows are done: 2 accounts were created'),
          nothing,
          bank,
        ),
    ],
  ],
  atomic: [
    [
      'a part',
      () => relations.atomic(ran(), 1, nothing, bank),
      () => relations.atomic(ran(), 2, nothing, bank),
    ],
  ],
  importCounts: [
    [
      'created, but not stored',
      () => relations.importCounts(json(imported), rows, nothing, bank),
      () => relations.importCounts(json(imported), rows, bank, bank),
    ],
    [
      'a sum that is wrong',
      () => relations.importCounts(json(imported), rows, nothing, bank),
      () => relations.importCounts(json({ ...imported, duplicate: 1 }), rows, nothing, bank),
    ],
    [
      'rows that are missing',
      () => relations.importCounts(json(imported), rows, nothing, bank),
      () => relations.importCounts(json(imported), new Map([...rows, [2, wanted]]), nothing, bank),
    ],
    [
      'created with another balance',
      () => relations.importCounts(withLine('created'), rows, nothing, bank),
      () => relations.importCounts(withLine('created'), rows, nothing, stored({ minor: 1n })),
    ],
    [
      'a conflict that was changed',
      () => relations.importCounts(withLine('conflict'), rows, bank, bank),
      () => relations.importCounts(withLine('conflict'), rows, bank, stored({ minor: 101n })),
    ],
  ],
  stateAsModelled: [
    [
      'another balance',
      () => relations.stateAsModelled(bank, model),
      () => relations.stateAsModelled(bank, poorer),
    ],
    [
      'another owner',
      () => relations.stateAsModelled(bank, changed({})),
      () => relations.stateAsModelled(bank, changed({ profile: { owner: 'B', labels: [] } })),
    ],
    [
      'another label',
      () => relations.stateAsModelled(bank, changed({})),
      () => relations.stateAsModelled(bank, changed({ profile: { owner: '', labels: ['b'] } })),
    ],
    [
      'one account too many',
      () => relations.stateAsModelled(nothing, emptyBank),
      () => relations.stateAsModelled(bank, emptyBank),
    ],
    [
      'one operation too many',
      () => relations.stateAsModelled(bank, model),
      () => relations.stateAsModelled(stored({ ids: ['op-1', 'p'] }), model),
    ],
  ],
  ledgerSound: [
    [
      'a balance that differs from its postings',
      () => relations.ledgerSound(bank, world),
      () => relations.ledgerSound(stored({ minor: 101n }), world),
    ],
    [
      'one version too many',
      () => relations.ledgerSound(bank, world),
      () => relations.ledgerSound(stored({ version: 2 }), world),
    ],
    [
      'a version twice',
      () => relations.ledgerSound(bank, world),
      () => relations.ledgerSound(stored({ ids: ['op-1', 'p'] }), world),
    ],
    [
      'another stamp',
      () => relations.ledgerSound(bank, world),
      () => relations.ledgerSound(stored({ stamp: 'branch2' }), world),
    ],
  ],
  balanceAdds: [
    [
      'another total',
      () => relations.balanceAdds(json(total('1.00')), bank, world),
      () => relations.balanceAdds(json(total('1.01')), bank, world),
    ],
    [
      'a different number of accounts',
      () => relations.balanceAdds(json(total('1.00')), bank, world),
      () => relations.balanceAdds(json(total('1.00', 2)), bank, world),
    ],
  ],
  must: [['false', () => relations.must('x', true, ''), () => relations.must('x', false, '')]],
};

function interrupted(applied: number, unknown: number): Ran {
  return json({ ...counted, applied, interrupted: true, unknown }, 130);
}

function withLine(outcome: string): Ran {
  const counts = { ...imported, created: 0, [outcome]: 1 };
  return { ...json(counts, outcome === 'created' ? 0 : 1), results: [{ line: 1, outcome }] };
}

describe.each(Object.entries(canaries))('%s', (_name, cases) => {
  test.each(cases)('%s', (_what, holds, objects) => {
    holds();
    expect(objects).toThrow(relations.Violation);
  });
});

test('every relation has a canary', () => {
  const helps = ['Violation', 'saying', 'errorCode', 'output'];
  const names = Object.keys(relations).filter((name) => !helps.includes(name));
  expect(Object.keys(canaries).sort()).toEqual(names.sort());
});
