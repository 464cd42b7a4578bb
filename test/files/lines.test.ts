import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Lines, readLines } from '../../src/files/lines.ts';
import { LineProblem } from '../../src/files/rows.ts';
import { memorySource } from './memory-source.ts';

async function read(bytes: Uint8Array, chunk: number) {
  const lines: string[] = [];
  let last: Lines | undefined;
  for await (const some of readLines(memorySource(bytes, chunk).chunks(), 'a.csv')) {
    expect(some.first).toBe(lines.length + 1);
    for (const text of some.texts) {
      lines.push(text instanceof LineProblem ? text.message.slice(0, 14) : text);
    }
    last = some;
  }
  return { lines, bytes: last?.bytes ?? 0, isCut: last?.isCut ?? false };
}

test('lines are the same however the bytes arrive', async () => {
  const line = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'é', '\u{1F600}', '"', ' '), maxLength: 12 }),
    fc.constantFrom('', 'x'.repeat(70_000), '\uD800'),
  );
  const end = fc.constantFrom('\n', '\r\n');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(line, end), { maxLength: 6 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 9 }),
      fc.boolean(),
      async (rows, mark, chunk, cut) => {
        const text = rows.map(([body, ending]) => body + ending).join('');
        const whole = Buffer.from((mark ? '\uFEFF' : '') + (cut ? text.trimEnd() : text));
        const small = whole.length > 1000 ? chunk * 7919 : chunk;
        expect(await read(whole, small)).toEqual(await read(whole, 1 << 20));
        expect((await read(whole, small)).bytes).toBe(whole.length);
      },
    ),
    { numRuns: 60 },
  );
});

test('text of Windows is converted by its own name, under which € stays €', async () => {
  const bytes = Buffer.from('Preis 5 \x80\n', 'latin1');
  for await (const { texts } of readLines(memorySource(bytes, 100).chunks(), 'pay.csv')) {
    expect(texts[0]).toMatchObject({ hint: expect.stringContaining('iconv -f WINDOWS-1252 -t') });
  }
  expect.assertions(1);
});

test.each([
  ['invalid UTF-8', Buffer.from('a\nb\xff\nc\n', 'latin1'), ['a', 'is not UTF-8 t', 'c']],
  ['UTF-16', Buffer.from('\uFEFFa\n', 'utf16le'), ['is not UTF-8 t', '\0']],
  ['too long', Buffer.from(`a\n${'x'.repeat(1e6)}\nc`), ['a', 'is longer than', 'c']],
  ['empty', Buffer.from(''), []],
])('%s', async (_what, bytes, expected) => {
  for (const chunk of [1000, 1 << 20]) expect((await read(bytes, chunk)).lines).toEqual(expected);
});
