import { apply } from './apply.ts';
import { balance } from './balance.ts';
import { branches } from './branches.ts';
import type { Command } from './command.ts';
import { db } from './db.ts';
import { exportCommand } from './export.ts';
import { history } from './history.ts';
import { importCommand } from './import.ts';
import { increment } from './increment.ts';
import { init } from './init.ts';
import { open } from './open.ts';
import { reverse } from './reverse.ts';
import { show } from './show.ts';
import { close, freeze, unfreeze } from './status.ts';
import { stress } from './stress.ts';
import { transfer } from './transfer.ts';

/** Every command, in the order of `bankctl --help`. */
export const commands: readonly Command[] = Object.freeze([
  init,
  branches,
  open,
  increment,
  transfer,
  reverse,
  show,
  balance,
  history,
  freeze,
  unfreeze,
  close,
  apply,
  importCommand,
  exportCommand,
  stress,
  db,
]);
