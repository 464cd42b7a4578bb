import type { LineProblem } from '../files/lines.ts';
import type { LeftOut } from '../files/rows.ts';
import { count } from '../text.ts';
import type { Session } from './command.ts';

/** Lines at fault that are shown; the others are counted. */
const maxFaults = 20;

/** Says what is wrong with each line of a file; the error that follows names the first of them. */
export function showFaults({
  talk,
  progress,
}: Session): (problems: readonly LineProblem[]) => void {
  let shown = 0;
  let first: LineProblem | undefined;
  const show = ({ line, message, hint }: LineProblem) => {
    if (shown >= maxFaults) return;
    progress(undefined);
    talk(`Line ${line} ${message}.${hint === undefined ? '' : ` ${hint}`}`);
    shown += 1;
  };
  return (problems) => {
    for (const problem of problems) {
      // A single one is said by the error.
      if (!first) first = problem;
      else if (shown === 0) [first, problem].forEach(show);
      else show(problem);
    }
  };
}

/** Says what was left out of a file since it holds nothing. */
export function showLeftOut({ talk, progress }: Session): (leftOut: LeftOut) => void {
  return ({ blankRows, namelessColumns }) => {
    const parts = [
      ...(blankRows > 0 ? [count(blankRows, 'row')] : []),
      ...(namelessColumns > 0 ? [`${count(namelessColumns, 'column')} without a name`] : []),
    ];
    if (parts.length === 0) return;
    progress(undefined);
    talk(`Left out, since nothing stands in them: ${parts.join(' and ')}.`);
  };
}
