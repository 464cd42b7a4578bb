import type { RowType } from '../bank/operations/operation.ts';
import { accounts } from './accounts.ts';
import { adopt } from './adopt.ts';
import { apply } from './apply.ts';
import { audit } from './audit.ts';
import { balance } from './balance.ts';
import { branches } from './branches.ts';
import type { Command } from './command.ts';
import { completion } from './completion.ts';
import { db } from './db.ts';
import { describeCommand } from './describe.ts';
import { doctor } from './doctor.ts';
import { exportCommand } from './export.ts';
import { history } from './history.ts';
import { importCommand } from './import.ts';
import { increment } from './increment.ts';
import { init } from './init.ts';
import { label } from './label.ts';
import { open } from './open.ts';
import { operations } from './operations.ts';
import { repair } from './repair.ts';
import { reverse } from './reverse.ts';
import { show } from './show.ts';
import { close, freeze, unfreeze } from './status.ts';
import { stress } from './stress.ts';
import { transfer } from './transfer.ts';

/** Each kind of operation has a command of its name. */
const posting = {
  open,
  increment,
  transfer,
  reverse,
  freeze,
  unfreeze,
  close,
  label,
} satisfies Record<RowType, Command>;

/** Every command, in the order of `bankctl --help`. */
export const commands: readonly Command[] = Object.freeze([
  init,
  branches,
  posting.open,
  posting.increment,
  posting.transfer,
  posting.reverse,
  show,
  accounts,
  balance,
  operations,
  history,
  posting.freeze,
  posting.unfreeze,
  posting.close,
  posting.label,
  apply,
  importCommand,
  exportCommand,
  doctor,
  audit,
  repair,
  adopt,
  stress,
  db,
  completion,
  describeCommand(() => commands),
]);
