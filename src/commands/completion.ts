import type { Command } from './command.ts';
import { argument } from './command-input.ts';
import { completionScripts } from './completion-scripts.ts';
import { objectOf, oneOf, text } from './result-schema.ts';

export const completion: Command = {
  name: 'completion',
  summary: 'print a script that lets a shell complete command lines of bankctl',
  description: [
    'Completes commands, options and their choices; the branches of the config; and the accounts',
    'and operations of the bank, at most 50, if they come within a second. The local database is',
    'never started for it, and nothing is said if there is no database or it cannot be asked.',
    '',
    'The script is for the file that the shell reads when it starts:',
    '',
    '  ~/.bashrc                   source <(bankctl completion bash)',
    '  ~/.zshrc, after compinit    source <(bankctl completion zsh)',
    '  ~/.config/fish/config.fish  bankctl completion fish | source',
  ].join('\n'),
  arguments: [
    { name: 'shell', summary: 'whose script to print', choices: Object.keys(completionScripts) },
  ],
  options: [],
  examples: ['bankctl completion bash >> ~/.bashrc', 'bankctl completion fish | source'],
  results: [oneOf(objectOf({ shell: text, script: text }))],
  run: async (typed) => {
    const shell = argument(typed, 0);
    const [, script = ''] =
      Object.entries(completionScripts).find(([name]) => name === shell) ?? [];
    const rows = script.split('\n').map((line) => [line]);
    return {
      kind: 'single',
      data: { shell, script },
      view: { layout: 'text', columns: [{ name: 'script' }], rows },
    };
  },
};
