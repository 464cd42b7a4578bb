import { asSentence, count } from '../core/text.ts';
import type { LineProblem } from '../files/lines.ts';
import type { LeftOut } from '../files/rows.ts';
import type { Session } from './command.ts';

/** Says what is wrong with lines of a file; a single one is said by the error that follows. */
export function showFaults({
  talk,
  progress,
}: Session): (problems: readonly LineProblem[]) => void {
  return (problems) => {
    progress(undefined);
    if (problems.length < 2) return;
    for (const { line, message, hint } of problems) {
      talk(`${asSentence(`Line ${line} ${message}`)}${hint === undefined ? '' : ` ${hint}`}`);
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
    const one = blankRows + namelessColumns === 1;
    talk(`Left out, since ${one ? 'it holds' : 'they hold'} nothing: ${parts.join(' and ')}.`);
  };
}
