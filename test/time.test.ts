import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BankctlError } from '../src/core/errors.ts';
import { formatTime, isTimeZone, parseSpan, timeFormat } from '../src/core/time.ts';
import './seed.ts';

const paris = 'Europe/Paris';

function moment(text: string, zone = 'UTC'): string {
  const { from, to, isDay } = parseSpan(text, '--since', zone);
  expect(isDay).toBe(false);
  expect(to).toEqual(from);
  return from.toISOString();
}

function refusal(text: string, zone = 'UTC'): BankctlError {
  try {
    parseSpan(text, '--since', zone);
  } catch (error) {
    if (error instanceof BankctlError) return error;
    throw error;
  }
  throw new Error(`${text} was taken`);
}

describe('a moment is read as it is written by', () => {
  test.each([
    ['JavaScript', '2026-11-25T10:00:00.123Z', '2026-11-25T10:00:00.123Z'],
    ["Python's isoformat", '2026-11-25T10:00:00.123456+00:00', '2026-11-25T10:00:00.123Z'],
    ["Python's isoformat without a zone", '2026-11-25T10:00:00.999999', '2026-11-25T10:00:00.999Z'],
    ["Python's str", '2026-11-25 10:00:00.123456+01:00', '2026-11-25T09:00:00.123Z'],
    ['date -Is', '2026-11-25T10:00:00+01:00', '2026-11-25T09:00:00.000Z'],
    ['date -Ins', '2026-11-25T10:00:00,123456789+01:00', '2026-11-25T09:00:00.123Z'],
    ['date -Iminutes', '2026-11-25T10:00+01:00', '2026-11-25T09:00:00.000Z'],
    ['date --rfc-3339=ns', '2026-11-25 10:00:00.999999999-03:30', '2026-11-25T13:30:00.999Z'],
    ['date +%FT%T%z', '2026-11-25T10:00:00+0100', '2026-11-25T09:00:00.000Z'],
    ['date +%FT%T.%NZ', '2026-11-25T10:00:00.000999999Z', '2026-11-25T10:00:00.000Z'],
    ['date "+%F %T"', '2026-11-25 10:00:00', '2026-11-25T10:00:00.000Z'],
    ['git and Ruby', '2026-11-25 10:00:00 -0500', '2026-11-25T15:00:00.000Z'],
    ['PostgreSQL', '2026-11-25 10:00:00.5+00', '2026-11-25T10:00:00.500Z'],
    ['a person', '2026-11-25 10:00', '2026-11-25T10:00:00.000Z'],
    ['RFC 3339 in small letters', '2026-11-25t10:00:00z', '2026-11-25T10:00:00.000Z'],
    ['a leap year', '2028-02-29T00:00', '2028-02-29T00:00:00.000Z'],
  ])('%s', (_by, text, at) => {
    expect(moment(text)).toBe(at);
  });
});

test.each([
  ['2026-02-30', /has the day 30, but 2026-02 has 28/],
  ['2026-02-29T10:00', /has the day 29, but 2026-02 has 28/],
  ['1900-02-29', /has the day 29, but 1900-02 has 28/],
  ['2026-13-01', /has the month 13/],
  ['2026-00-10', /has the month 00/],
  ['2026-11-00', /has the day 00/],
  ['0026-11-25', /before the year 1900/],
  ['2026-11-25T24:00:00Z', /hour above 23/],
  ['2026-11-25T10:60', /minutes or seconds above 59/],
  ['2026-12-31T23:59:60Z', /minutes or seconds above 59/],
  ['2026-11-25T10:00+25:00', /offset that no clock has/],
  ['2026-11-25T10:00+01:60', /offset that no clock has/],
  ...[
    ...[
      '31.12.2026',
      '12/31/2026',
      '11/12/26',
      'yesterday',
      '',
      ' ',
      '2026',
      '2026-11',
      '20261125',
    ],
    ...['2026-11-25T', '2026-11-25T10', '2026-11-25Z', '2026-1-5', '1764064800', '26-11-25'],
    ...['2026-11-25T10:00:00.', '2026-11-25T10:00:00.1234567890Z', '2026-11-25T10:00:00 PM'],
    ...[
      '2026-11-25T10:00:00+1',
      ' 2026-11-25',
      '2026-11-25\n',
      '２０２６-11-25',
      '2026-11-25T10:00EST',
    ],
  ].map((text): [string, RegExp] => [text, /is not an ISO 8601 date or time/]),
])('%j is refused', (text, reason) => {
  const error = refusal(text);
  expect(error.code).toBe('usage');
  expect(error.message).toMatch(/^--since "/);
  expect(error.message).toMatch(reason);
  // What it says to type is taken.
  const typed = /--since (\S+?)[,.]?(?: |$)/.exec(error.hint)?.[1] ?? '';
  expect(() => parseSpan(typed, '--since', 'UTC')).not.toThrow();
});

describe('in a zone', () => {
  test('a time without an offset is what its clocks showed', () => {
    expect(moment('2026-11-25 10:00', paris)).toBe('2026-11-25T09:00:00.000Z');
    expect(moment('2026-07-25 10:00', paris)).toBe('2026-07-25T08:00:00.000Z');
    expect(moment('2026-11-25T10:00Z', paris)).toBe('2026-11-25T10:00:00.000Z');
  });

  test('a bare date is that whole day', () => {
    const span = (text: string, zone: string) => {
      const { from, to } = parseSpan(text, '--at', zone);
      return [from.toISOString(), to.toISOString()];
    };
    expect(span('2026-11-30', 'UTC')).toEqual([
      '2026-11-30T00:00:00.000Z',
      '2026-12-01T00:00:00.000Z',
    ]);
    // 23 hours, and 25.
    expect(span('2026-03-29', paris)).toEqual([
      '2026-03-28T23:00:00.000Z',
      '2026-03-29T22:00:00.000Z',
    ]);
    expect(span('2026-10-25', paris)).toEqual([
      '2026-10-24T22:00:00.000Z',
      '2026-10-25T23:00:00.000Z',
    ]);
    // Midnight was skipped; midnight came twice.
    expect(span('2017-10-15', 'America/Sao_Paulo')[0]).toBe('2017-10-15T03:00:00.000Z');
    expect(span('2026-11-01', 'America/Havana')[0]).toBe('2026-11-01T04:00:00.000Z');
  });

  test('a time that its clocks skipped is refused, with one that exists', () => {
    const error = refusal('2026-03-29T02:30', paris);
    expect(error.message).toMatch(/did not exist in Europe\/Paris/);
    expect(error.hint).toContain('--since 2026-03-29T03:00:00.000+02:00');
  });

  test('a time that occurred twice is refused, with both', () => {
    const { message, hint } = refusal('2026-10-25 02:30:00', paris);
    expect(message).toMatch(/occurred twice in Europe\/Paris/);
    const both = [...hint.matchAll(/--since (\S+?)[,.]?(?: |$)/g)].map(([, text = '']) =>
      moment(text, paris),
    );
    expect(both).toEqual(['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z']);
  });

  test('a day that it skipped is refused', () => {
    expect(refusal('2011-12-30', 'Pacific/Apia').message).toMatch(/a day that .* skipped/);
    expect(parseSpan('2011-12-29', '--at', 'Pacific/Apia').to).toEqual(
      parseSpan('2011-12-31', '--at', 'Pacific/Apia').from,
    );
  });
});

const zones = [
  ...['UTC', paris, 'America/New_York', 'America/Sao_Paulo', 'America/Havana', 'Asia/Beirut'],
  ...['Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia', 'Pacific/Chatham', 'Africa/Cairo'],
  ...['Africa/Casablanca', 'America/St_Johns', 'Asia/Tehran', 'Antarctica/Troll'],
];

/** The years in which the zones changed their rules, dropped a day, or skipped a midnight. */
const years = [2011, 2012, 2017, 2026];

test.each(zones)('the days of %s follow one another without gap or overlap', (zone) => {
  const dayMs = 86_400_000;
  const format = timeFormat(zone);
  for (const year of years) {
    let end: Date | undefined;
    for (let ms = Date.UTC(year, 0); ms <= Date.UTC(year + 1, 0); ms += dayMs) {
      const day = new Date(ms).toISOString().slice(0, 10);
      if (zone === 'Pacific/Apia' && day === '2011-12-30') continue;
      const { from, to } = parseSpan(day, '--at', zone);
      if (end) expect(from, day).toEqual(end);
      // By the clocks of the zone the day has its name from its first to its last millisecond.
      expect(format(from).slice(0, 10)).toBe(day);
      expect(format(new Date(to.getTime() - 1)).slice(0, 10)).toBe(day);
      end = to;
    }
  }
});

test('a printed moment is read back as the same moment, in every zone', () => {
  const min = new Date(Date.UTC(1971, 0));
  const max = new Date(Date.UTC(2099, 11));
  fc.assert(
    fc.property(
      fc.date({ min, max, noInvalidDate: true }),
      fc.constantFrom(...zones),
      (at, zone) => {
        const [printed, other] = [timeFormat(zone)(at), paris];
        expect(parseSpan(printed, '--at', other).from).toEqual(at);
      },
    ),
  );
});

test('a local time is read as the moment at which the clocks showed it, or refused', () => {
  const min = new Date(Date.UTC(2005, 0));
  const max = new Date(Date.UTC(2030, 0));
  fc.assert(
    fc.property(
      fc.date({ min, max, noInvalidDate: true }),
      fc.constantFrom(...zones),
      (at, zone) => {
        const local = formatTime(at, zone).slice(0, 23);
        let read: Date;
        try {
          read = parseSpan(local, '--at', zone).from;
        } catch (error) {
          // The clocks showed it, so it was not skipped.
          expect(error).toMatchObject({ message: expect.stringContaining('occurred twice') });
          return;
        }
        expect(read).toEqual(at);
      },
    ),
    { numRuns: 500 },
  );
});

test('a zone is a name of the IANA database', () => {
  for (const name of [...zones, 'europe/paris', 'CET', 'Etc/GMT+5']) {
    expect(isTimeZone(name), name).toBe(true);
  }
  for (const name of ['', 'Paris', 'Europe/Pariss', '+01:00', 'UTC+1', 'local', '../etc/passwd']) {
    expect(isTimeZone(name), name).toBe(false);
  }
});
