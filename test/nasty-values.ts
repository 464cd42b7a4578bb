/**
 * What people, programs and attackers put where a value belongs. None is an absolute path, since a
 * test gives each to options that write files too. None has a null byte: no argument can hold one.
 */
export const nastyValues: readonly string[] = [
  // Nothing, and what looks like nothing.
  ...['', ' ', '   ', '\t', '\n', '\r\n', '\v', '\f', '\u00A0', '\u3000', '\u2003', '\u200B'],
  // What a terminal obeys.
  ...['\u001B[2J', '\u001B[31mred\u001B[0m', '\u001B]0;title\u0007', '\u001B]52;c;aGk=\u0007'],
  ...['\u0007', '\b\b\b', '\u007F', '\u009B31m', '\u0085', 'a\rb', 'a\nb', 'a\r\nb,c'],
  // What is not seen, or is seen elsewhere.
  ...['\u202Ebranch1', 'branch1\u202C', '\u2066A\u2069', '\uFEFFACC', 'A\u00ADCC', 'A\u200DCC'],
  ...['\u2028', '\u2029', '\u{E0041}', '\uE000', '\u3164', '\uFFFD', '\uFFFE', 'A\u0301\u0301'],
  // Halves of characters.
  ...['\uD800', 'A\uDC00', '\uDFFF\uD800'],
  // What looks like a known name.
  ...['br\u0430nch1', 'ΑCC', 'BRANCH1', 'branch1 ', ' ACC', 'acc', 'ｂranch1'],
  // Numbers that are none, or too large, or in a spelling of their own.
  ...['1e309', '1e3', '-0', '+0', '0x10', '0b1', '0o7', '007', 'NaN', 'Infinity', '-Infinity'],
  ...['１２３', '١٢٣', '1_000', '1,000', '1.000,00', '.5', '5.', '--1', '1/3', '½', '²'],
  ...['9007199254740993', '99999999999999999999999999', '-99999999999999999999999999.99'],
  ...['0.0000000000000000000000001', `${'9'.repeat(400)}`, '1 000', '1\u202F000', '$5', '5 USD'],
  // Dates that never were.
  ...['2026-02-30', '2026-13-01', '0000-00-00', '9999-12-31', '1969-12-31', '2026-11', '2026-00'],
  ...['2026-11-25T25:00', '2026-11-25T10:00+99:00', '+275760-09-13', '-000001-01-01', 'yesterday'],
  // What a query, a template, a shell or an object could take for its own.
  ...['$where', '{"$gt":""}', '{"$ne":null}', '[object Object]', '$balance', 'a.b.c', '.', '..'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__defineGetter__', 'null'],
  ...['undefined', 'true', '[]', '{}', '`id`', '$(id)', '; rm -rf x', "' OR 1=1 --", '"', "'"],
  ...['\\', '%s%n%d', '%00', '$HOME', '{{7*7}}', '<script>alert(1)</script>', '=1+1', '@SUM(A1)'],
  // Paths, addresses and separators.
  ...['../../etc/passwd', 'a/../../b', './-', '~root', 'C:\\nul', 'no/such/directory/file'],
  ...['file:///etc/passwd', 'mongodb://u:p@127.0.0.1:1/?x=y', 'mongodb://', 'http://[::1', ':'],
  ...['branch1:', ':ACC', 'branch1:ACC:', 'branch1::ACC', 'branch1:ACC\u200B', 'a,b', ',', 'a;b'],
  // Words that look like options.
  ...['-', '--', '-1', '-x', '--no-such', '--json', '--help', '--output=xml', '--uri'],
  // Much of something.
  ...['A'.repeat(65), 'x'.repeat(100_000), '銀'.repeat(40_000), '\u0301'.repeat(30_000)],
  ...['1'.repeat(100_000), '('.repeat(50_000), `${'a/'.repeat(3_000)}a`, '{"a":'.repeat(20_000)],
];
