import { Chalk, type ChalkInstance } from 'chalk';
import { visible } from '../core/text.ts';

/** The few meanings that colour has in bankctl. Text is made visible before it is painted. */
export interface Paint {
  readonly head: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly faint: (text: string) => string;
}

/** Paints with colour or without, whatever the library would guess about the terminal. */
export function createPaint(colour: boolean): Paint {
  const chalk: ChalkInstance = new Chalk({ level: colour ? 1 : 0 });
  return Object.freeze({
    head: (text: string) => chalk.bold(visible(text)),
    good: (text: string) => chalk.green(visible(text)),
    bad: (text: string) => chalk.red(visible(text)),
    warn: (text: string) => chalk.yellow(visible(text)),
    faint: (text: string) => chalk.dim(visible(text)),
  });
}
