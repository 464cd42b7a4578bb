import type { Context } from '../core/context.ts';
import type { NoticeCode } from '../core/notices.ts';

/** What an audit takes from its surroundings. */
export interface AuditHost {
  readonly context: Pick<Context, 'stdin' | 'cwd' | 'nowMs' | 'interrupted' | 'author' | 'freshId'>;
  /** A line that is redrawn in place, on a terminal only; undefined removes it. */
  readonly progress: (line: string | undefined) => void;
  /** A sentence on stderr. */
  readonly talk: (code: NoticeCode, message: string) => void;
  /** A time as the reader of the result sees it. */
  readonly formatTime: (time: Date) => string;
}
