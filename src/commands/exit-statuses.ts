import { Status } from '../core/errors.ts';

const meanings = {
  done: 'done',
  refused: 'refused or failed',
  usage: 'bad usage or config',
  unavailable: 'database unreachable or unsuitable',
  violation: 'stress found a violation, or audit damage',
  undecided: 'stress undecided, or audit could not read a part',
  interrupted: 'interrupted',
} as const satisfies Readonly<Record<keyof typeof Status, string>>;

/** An exit status of any command, and what it means. */
export interface ExitStatus {
  readonly status: number;
  readonly meaning: string;
}

/** The exit statuses, in order. */
export const exitStatuses: readonly ExitStatus[] = Object.entries(meanings).flatMap(
  ([name, meaning]) =>
    Object.entries(Status).flatMap(([other, status]) =>
      other === name ? [{ status, meaning }] : [],
    ),
);

/** The variables of the environment that bankctl reads. */
export const environment: Readonly<Record<string, string>> = {
  BANKCTL_URI: 'the MongoDB deployment, instead of --uri',
  BANKCTL_CONFIG: 'the config file, instead of --config',
  BANKCTL_DATA_DIR: 'the directory of the local database',
  BANKCTL_CACHE_DIR: 'the directory of a downloaded mongod and of compiled code',
  BANKCTL_MONGOD: 'the path of a mongod to run',
  BANKCTL_PAGER: 'the pager for long results, instead of PAGER or less; empty for none',
  NO_COLOR: 'any value: print without colour',
  FORCE_COLOR: 'print in colour, or with 0 without, wherever it goes',
};
