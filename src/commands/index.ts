import { balance } from './balance.ts';
import { branches } from './branches.ts';
import type { Command } from './command.ts';
import { db } from './db.ts';
import { increment } from './increment.ts';
import { init } from './init.ts';
import { open } from './open.ts';

/** Every command, in the order of `bankctl --help`. */
export const commands: readonly Command[] = Object.freeze([
  init,
  branches,
  open,
  increment,
  balance,
  db,
]);
