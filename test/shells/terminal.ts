import { spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { type Installed, installed } from './debian-packages.ts';

/** Far longer than any shell takes. */
const patienceMs = 60_000;

/** The keys that the tests press. */
const keys = { tab: '\t', show: '\u0007', erase: '\u0015', enter: '\r' } as const;

/** A shell at a terminal, as a person has it. */
export interface Terminal {
  /** Types text, then Tab. @returns the whole line that is then at the prompt */
  readonly complete: (text: string) => Promise<string>;
  /** Types text, then Tab twice. @returns what the shell shows for it */
  readonly list: (text: string) => Promise<string>;
  /** Runs the line that `complete` left. @returns what it prints */
  readonly enter: () => Promise<string>;
  /** Empties the line. */
  readonly erase: () => void;
  /** Everything on the screen so far, without what only moves the cursor. */
  readonly screen: () => string;
}

/** How each shell starts, loads the script, and shows the line at the prompt on Ctrl-G. */
const starts = {
  bash: (_, script) => ({
    command: 'bash --norc --noprofile -i',
    setUp: [
      "bind 'set enable-bracketed-paste off'",
      "bind 'set show-all-if-ambiguous on'",
      "bind 'set page-completions off'",
      'PS1="> "',
      'shown() { printf "LINE%s<%s>\\n" : "$READLINE_LINE"; }',
      'bind -x \'"\\C-g": shown\'',
      `source ${script}`,
    ],
  }),
  zsh: ({ path, root }, script) => ({
    command: `${path} -f -i`,
    setUp: [
      ...(root === ''
        ? []
        : [
            `module_path=(${root}/usr/lib/x86_64-linux-gnu/zsh/5.9)`,
            `fpath=(${root}/usr/share/zsh/functions/*(/N) ${root}/usr/share/zsh/functions/*/*(/N))`,
          ]),
      'unsetopt zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste',
      'PS1="> " PROMPT_SP= LISTMAX=1000',
      'autoload -Uz compinit && compinit -u -D',
      'shown() { zle -I; print -r -- "LINE"":<$BUFFER>"; }',
      "zle -N shown; bindkey '^G' shown; bindkey '^U' kill-whole-line",
      `source ${script}`,
    ],
  }),
  fish: ({ path }, script) => ({
    command: `${path} -N -i`,
    setUp: [
      'function fish_prompt; echo "> "; end; function fish_greeting; end',
      'set -g fish_autosuggestion_enabled 0',
      'bind \\cg \'echo; echo LINE:"<"(commandline)">"; commandline -f repaint\'',
      `source ${script}`,
    ],
  }),
} as const satisfies Readonly<
  Record<
    string,
    (
      of: Installed,
      script: string,
    ) => { readonly command: string; readonly setUp: readonly string[] }
  >
>;

export type ShellName = keyof typeof starts;

/** Opens a shell at a pseudo-terminal, which `script` of util-linux makes. */
export async function openShell(
  name: ShellName,
  { cwd, env, script }: { readonly cwd: string; readonly env: object; readonly script: string },
): Promise<Terminal> {
  const of = await installed(name);
  const { command, setUp } = starts[name](of, script);
  const child = spawn(
    'script',
    ['-qfec', `stty cols 200 rows 60 kill undef; exec ${command}`, '/dev/null'],
    {
      cwd,
      env: { ...env, ...of.env, TERM: 'xterm', LANG: 'C.UTF-8', SHELL: '/bin/sh' },
    },
  );
  let seen = '';
  const waiting = new Set<() => void>();
  const hear = (chunk: Buffer) => {
    seen += chunk.toString();
    for (const look of waiting) look();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  /** What comes after `from` until the pattern is there. */
  const until = (pattern: RegExp, from: number) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(plain(seen.slice(from)));
        if (!match) return;
        waiting.delete(look);
        resolve(match);
      };
      waiting.add(look);
      const fail = (what: string) => reject(new Error(`${name} ${what}:\n${plain(seen)}`));
      void ended.then(() => fail('ended'));
      void AbortSignal.timeout(patienceMs).addEventListener('abort', () => fail('does not answer'));
      look();
    });
  const press = (text: string) => {
    const from = seen.length;
    child.stdin.write(text);
    return from;
  };
  const line = async (text: string) => {
    const from = press(text + keys.show);
    // A shell may drop a key that comes while it changes the mode of the terminal. One that is only
    // late would answer the next question with this line.
    const again = setInterval(() => press(keys.show), 15_000);
    try {
      const [, shown = ''] = await until(/LINE:<(.*)>\r?\n/, from);
      return shown;
    } finally {
      clearInterval(again);
    }
  };
  let marks = 0;
  const mark = async (text: string) => {
    marks += 1;
    const from = press(`${text}${keys.enter}echo "do""ne${marks}"${keys.enter}`);
    const match = await until(new RegExp(`done${marks}\\r?\\n`), from);
    return match.input.slice(0, match.index);
  };
  // What is typed before the first prompt may be lost.
  await until(/[#$%>] /, 0);
  for (const one of setUp) await mark(one);
  return {
    complete: (text) => line(text + keys.tab),
    list: async (text) => {
      const from = seen.length;
      await line(text + keys.tab + keys.tab);
      return plain(seen.slice(from));
    },
    enter: () => mark(''),
    erase: () => void press(keys.erase),
    screen: () => plain(seen),
  };
}

/** Without what drives the terminal. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is to be removed
  return text.replace(/\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007]*\u0007|[()].|.)/g, '');
}
