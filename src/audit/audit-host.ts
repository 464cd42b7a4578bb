import type { Context } from '../core/context.ts';

/** What an audit takes from its surroundings. */
export interface AuditHost {
  readonly context: Pick<Context, 'stdin' | 'cwd' | 'nowMs' | 'interrupted' | 'author'>;
  /** A line that is redrawn in place, on a terminal only; undefined removes it. */
  readonly progress: (line: string | undefined) => void;
  /** A line for people, on stderr. */
  readonly talk: (line: string) => void;
  /** A time as the reader of the result sees it. */
  readonly formatTime: (time: Date) => string;
}
