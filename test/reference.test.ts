import { expect, test } from 'vitest';
import { findingTable } from '../src/audit/finding.ts';
import { commands } from '../src/commands/index.ts';
import { isRetryable } from '../src/core/error-json.ts';
import { errorTable } from '../src/core/errors.ts';
import { run } from './workspace.ts';

/** The reference is what the live program prints; `npm run docs` writes it anew. */
test('docs/reference.md is what the program says', async () => {
  const help = async (argv: readonly string[]) => (await run(argv, '/', {})).stdout.trimEnd();
  const sections = [
    '# Reference',
    'Printed by the program itself; `npm run docs` writes this page anew.',
    '## bankctl',
    fenced(await help(['--help'])),
  ];
  for (const { name } of commands) {
    sections.push(`## bankctl ${name}`, fenced(await help([name, '--help'])));
  }
  sections.push(
    '## Errors',
    'On stderr: one sentence, and one line with what to type next. With `--json`, ' +
      '`{"error":{"code","message","hint","retryable","operations"}}`: whether the same command, ' +
      'with its `--id` or `--batch`, may succeed later, and the ids that the error is about.',
    [
      '| code | status | retryable | meaning | what to type next |',
      '|---|---|---|---|---|',
      ...Object.entries(errorTable).map(([code, { status, meaning, hint }]) => {
        const retryable = isRetryable(code) ? 'yes' : 'no';
        return `| \`${code}\` | ${status} | ${retryable} | ${meaning} | ${hint} |`;
      }),
    ].join('\n'),
  );
  sections.push(
    '## Findings',
    'What `bankctl audit` finds; docs/legacy.md says what can be known, and from what.',
    [
      '| code | meaning |',
      '|---|---|',
      ...Object.entries(findingTable).map(([code, { meaning }]) => `| \`${code}\` | ${meaning} |`),
    ].join('\n'),
  );
  await expect(`${sections.join('\n\n')}\n`).toMatchFileSnapshot('../docs/reference.md');
});

function fenced(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``;
}
