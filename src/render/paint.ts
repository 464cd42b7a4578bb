import { Chalk, type ChalkInstance } from 'chalk';

/** The few meanings that colour has in bankctl. */
export interface Paint {
  readonly head: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly faint: (text: string) => string;
}

/** Colours that are on or off as told, whatever the library would guess of the terminal. */
export function createPaint(colour: boolean): Paint {
  const chalk: ChalkInstance = new Chalk({ level: colour ? 1 : 0 });
  return Object.freeze({
    head: chalk.bold,
    good: chalk.green,
    bad: chalk.red,
    warn: chalk.yellow,
    faint: chalk.dim,
  });
}
