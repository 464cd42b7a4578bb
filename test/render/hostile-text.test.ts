import { execFileSync } from 'node:child_process';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import type { GlobalOptions } from '../../src/commands/command.ts';
import { createContext } from '../../src/core/context.ts';
import { forPerson, linesForPerson } from '../../src/core/redaction.ts';
import {
  isPrintable,
  jsonText,
  quote,
  shellWord,
  unseenInProse,
  visible,
} from '../../src/core/text.ts';
import type { OutputFormat } from '../../src/render/formats.ts';
import { drawLane } from '../../src/render/lane-picture.ts';
import { createPaint } from '../../src/render/paint.ts';
import { present } from '../../src/render/present.ts';
import { progressLine } from '../../src/render/progress.ts';
import type { Result } from '../../src/render/result.ts';
import { firstWrongLane, scheduleLane } from '../../src/render/story-lane.ts';
import { renderTable } from '../../src/render/table.ts';
import { verdictLine } from '../../src/render/verdict.ts';
import type { View } from '../../src/render/view.ts';
import type { FirstWrong, ScheduleStory } from '../../src/stress/check/story.ts';
import { Captured } from '../workspace.ts';

/** All of Unicode, with dangerous characters much more often than by chance. */
const hostileText = fc.string({
  maxLength: 30,
  unit: fc.oneof(
    fc.constantFrom(
      ...['\u001B[2J', '\u001B]52;c;aGk=\u0007', '\u001B]0;t\u001B\\', '\u009B31m', '\u0090', '\r'],
      ...[
        '\n',
        '\t',
        '\u0000',
        '\u007F',
        '\u0085',
        '\u202E',
        '\u2066',
        '\u2069',
        '\u200B',
        '\u2028',
      ],
      ...['\u2029', '\uFEFF', '\uD800', '\uDFFF', '\u{E0041}', '\uE000', '\u3164', '\u{E0100}'],
      ...['\u001B[31m', '\u001B[0m', 'e\u0301', '銀', 'ก็', '👩‍👩‍👧', '"', ',', ' ', '\\', 'A'],
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => String.fromCharCode(code)),
  ),
});

/** Whatever is neither visible nor the end of a line. */
const invisible = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

function expectClean(text: string): void {
  expect([...text.matchAll(invisible)].map(([found]) => found).filter((c) => c !== '\n')).toEqual(
    [],
  );
}

/** Chalk's own codes for the five meanings, and no other. */
function withoutPaint(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return text.replace(/\u001B\[(?:1|2|22|31|32|33|39)m/g, '');
}

const globals: GlobalOptions = {
  config: undefined,
  uri: undefined,
  uriFile: undefined,
  output: 'table',
  colour: false,
  pager: false,
  quiet: false,
  verbose: false,
  timeoutMs: 1000,
};

async function printed(
  result: Result,
  options: { readonly output?: OutputFormat; readonly terminal?: boolean },
): Promise<string> {
  const { output = 'table', terminal = true } = options;
  const stdout = new Captured();
  const context = { ...createContextOnce, stdout, stdoutIsTerminal: terminal };
  await present(result, { ...globals, output }, context);
  return stdout.text;
}

const createContextOnce = createContext();

function viewOf(layout: View['layout'], texts: readonly string[]): View {
  return {
    layout,
    columns: texts.map((_, index) => ({ name: `c${index}` })),
    rows: [texts],
    footer: [texts],
    notes: texts,
  };
}

const texts = fc.array(hostileText, { minLength: 1, maxLength: 3 });

describe('nothing that a terminal obeys or does not show reaches a person', () => {
  test.each(['grid', 'record', 'text', 'prose'] as const)(
    'in a view laid out as %s',
    async (layout) => {
      await fc.assert(
        fc.asyncProperty(texts, async (cells) => {
          const result: Result = { kind: 'single', data: cells, view: viewOf(layout, cells) };
          for (const output of [
            'table',
            'json',
            'ndjson',
            'csv',
            'spreadsheet',
            'spreadsheet-comma',
          ] as const) {
            expectClean(await printed(result, { output }));
          }
        }),
      );
    },
  );

  test('in a table that is piped', async () => {
    await fc.assert(
      fc.asyncProperty(texts, async (cells) => {
        const view = viewOf('grid', cells);
        expectClean(await printed({ kind: 'single', data: cells, view }, { terminal: false }));
      }),
    );
  });

  test('in a long list', async () => {
    await fc.assert(
      fc.asyncProperty(texts, texts, async (first, second) => {
        async function* parts() {
          for (const cells of [first, second]) {
            yield { items: cells, view: viewOf('grid', [...cells, '', ''].slice(0, 3)) };
          }
        }
        expectClean(await printed({ kind: 'stream', parts: parts() }, {}));
      }),
    );
  });

  test('in messages, hints, notices and traces', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        for (const shown of [forPerson(text), quote(text), shellWord(text), visible(text)]) {
          expectClean(shown);
          expect(shown).not.toContain('\n');
        }
        expectClean(linesForPerson(text));
        expect(visible(visible(text))).toBe(visible(text));
      }),
    );
  });

  test('in the progress line, which does not wrap', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const stderr = new Captured();
        progressLine({ stderr, stderrIsTerminal: true, width: 40, env: {} }, false)(text.repeat(3));
        const [before, line = ''] = stderr.text.split('\r\u001B[2K');
        expect(before).toBe('');
        expectClean(line);
        expect(line).not.toContain('\n');
        expect(stringWidth(line)).toBeLessThan(40);
      }),
    );
  });

  test('in the pictures of a run, which keep their colour', () => {
    const paint = createPaint(true);
    fc.assert(
      fc.property(hostileText, (text) => {
        const wrong: FirstWrong = {
          ...{ operation: 0, worker: 1, branch: text, account: text, amount: '1', matched: 1 },
          ...{ wrong: 'misplaced', collection: text, expected_collection: 'b', reason: text },
          workers: [1, 2],
          events: [
            { at_ms: 0, worker: 1, operation: 0, event: 'sent', collection: text },
            { at_ms: 1, worker: 2, operation: 1, event: 'switched', collection: null, name: text },
          ],
        };
        const story: ScheduleStory = {
          ...{ id: text, reason: text, replay: text, same_again: false },
          workers: [{ worker: 1, branch: text }],
          steps: [
            {
              ...{ step: 1, worker: 1, from: text, to: text, model: null },
              actions: [{ does: 'crashes', message: text }],
            },
          ],
        };
        const lines = [
          ...drawLane(firstWrongLane(wrong, text), paint, 60),
          ...drawLane(scheduleLane(story, text), paint, 60),
          verdictLine({ verdict: 'undecided', models: [], reason: text }, paint).painted,
          ...(['head', 'good', 'bad', 'warn', 'faint'] as const).map((tone) => paint[tone](text)),
        ];
        for (const line of lines) {
          expectClean(withoutPaint(line));
          expect(line).not.toContain('\n');
        }
        expect(lines.join('')).toContain('\u001B[31m');
      }),
    );
  });
});

describe('what a program reads is exact', () => {
  test('JSON is the same value, without characters that end a line or control a terminal', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const json = jsonText({ [text]: [text] }, 2);
        expect(JSON.parse(json)).toEqual({ [text]: [text] });
        expectClean(json);
      }),
    );
    expect(jsonText('\u2028\u009B\u202E')).toBe(String.raw`"\u2028\u009b\u202e"`);
  });

  test('CSV in a pipe is read back as it was', async () => {
    const rows = fc.array(fc.tuple(hostileText, hostileText), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(rows, async (given) => {
        const wellFormed = given.map((row) => row.map((text) => Buffer.from(text).toString()));
        const view: View = {
          layout: 'grid',
          columns: [{ name: 'a' }, { name: 'b' }],
          rows: wellFormed,
        };
        const result: Result = { kind: 'single', data: 0, view };
        const csv = await printed(result, { output: 'csv', terminal: false });
        expect(parse(csv)).toEqual([['a', 'b'], ...wellFormed]);
      }),
    );
  });

  test('a CSV of one empty cell is a row, not an empty line', async () => {
    const view: View = { layout: 'grid', columns: [{ name: 'a' }], rows: [[''], ['x']] };
    const result: Result = { kind: 'single', data: 0, view };
    expect(await printed(result, { output: 'csv', terminal: false })).toBe('a\n""\nx\n');
  });

  test('plain text in a pipe is not escaped, and on a terminal it is', async () => {
    const view = viewOf('text', ['/tmp/a\u202Eb']);
    const result: Result = { kind: 'single', data: 0, view: { ...view, notes: [] } };
    expect(await printed(result, { terminal: false })).toBe('/tmp/a\u202Eb\n');
    expect(await printed(result, { terminal: true })).toBe('/tmp/a\\u202eb\n');
  });
});

test('bash reads a word of a hint back as it was, and every character is visible', () => {
  for (const text of ["it's", 'a b', '$HOME', `a\u202E'b\\c`, 'tab\tline\n', '\u{E0041}é']) {
    const word = shellWord(text);
    const echo = ['--norc', '-c', `printf %s ${word}`];
    expect(execFileSync('bash', echo, { env: { LC_ALL: 'C.UTF-8' } }).toString()).toBe(text);
    expectClean(word);
  }
});

describe('columns stay aligned', () => {
  const style = { paint: createPaint(false), width: 80, unicode: true };
  const names = [
    'ACC',
    '銀行',
    'Zu\u0308rich',
    'กำไร',
    'हिन्दी',
    '👩‍👩‍👧',
    '𠀀',
    'a\u202Eb',
    '\u0301x',
    '',
  ];

  test.each([true, false])(
    'with wide and combining characters, with borders: %s',
    async (terminal) => {
      const view: View = {
        layout: 'grid',
        columns: [{ name: 'account' }, { name: 'balance', align: 'right' }],
        rows: names.map((name) => [name, '1.00']),
      };
      const lines = (await renderTable(view, { ...style, terminal })).split('\n');
      const shown = lines.filter((line) => line.includes('1.00'));
      expect(shown).toHaveLength(names.length);
      const ends = shown.map((line) => stringWidth(line.slice(0, line.indexOf('1.00'))));
      expect(new Set(ends).size).toBe(1);
      for (const name of names) expect(lines.join('\n')).toContain(visible(name));
    },
  );
});

describe('what is allowed in a name', () => {
  test.each([
    ['\u200B', false, false],
    ['a\u200Cb', false, false],
    ['می\u200Cخواهم', false, true],
    ['ക്\u200Dഷ', false, true],
    ['می\u200C\u200Cخ', false, false],
    ['👩\u200D👧 ❤\uFE0F', false, true],
    ['a\uFE0F', false, false],
    ['a\u202Eb', false, false],
    ['\u2066a\u2069', false, false],
    ['\u3164', false, false],
    ['\u2800', false, false],
    ['a\u034Fb', false, false],
    ['\u{E0041}', false, false],
    ['\uE000', false, false],
    ['\uFFFD', false, false],
    ['Zürich 銀行 🏦 هند', true, true],
  ])('%j: as an id %s, as a memo %s', (text, name, prose) => {
    expect([isPrintable(text), unseenInProse(text) === undefined]).toEqual([name, prose]);
  });

  test.each([
    ['\u001B[31m', String.raw`\x1b[31m`],
    ['a\nb\tc\r', String.raw`a\nb\tc\r`],
    ['\u009B', String.raw`\x9b`],
    ['\u202E', String.raw`\u202e`],
    ['\u{E0041}', String.raw`\u{e0041}`],
    ['\uD800', String.raw`\ud800`],
  ])('%j is shown as %s', (text, shown) => {
    expect(visible(text)).toBe(shown);
  });
});
