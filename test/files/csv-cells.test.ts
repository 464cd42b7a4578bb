import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCells } from '../../src/files/csv-cells.ts';

/** What csv-parse says of a record, whose text has no line end outside a quoted cell. */
function byLibrary(text: string, delimiter: string) {
  try {
    return parse(text, { relax_column_count: true, record_delimiter: '\n', delimiter })[0] ?? [''];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'CSV_QUOTE_NOT_CLOSED' ? 'unclosed' : 'misquoted';
  }
}

const separator = fc.constantFrom(',', ';', '\t');
const unit = fc.constantFrom('"', '"', '"', ',', ',', ';', '\t', 'a', ' ', '\r', 'é', '\uFEFF');

test('cells are those that the library finds, whatever the quotation marks', () => {
  let [read, refused] = [0, 0];
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 14 }), separator, (text, mark) => {
      const cells = parseCells(text, mark);
      expect(cells).toEqual(byLibrary(text, mark));
      if (typeof cells === 'string') refused += 1;
      else if (text.includes('"')) read += 1;
    }),
    { numRuns: 4000 },
  );
  expect(read).toBeGreaterThan(50);
  expect(refused).toBeGreaterThan(50);
});

test('cells that were written by the rules are read as they were', () => {
  const cell = fc.string({ unit: fc.oneof(unit, fc.constant('\n')), maxLength: 6 });
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 5 }), separator, (cells, mark) => {
      const text = cells.map((it) => `"${it.replaceAll('"', '""')}"`).join(mark);
      expect(parseCells(text, mark)).toEqual(cells);
    }),
    { numRuns: 1500 },
  );
});
