import type { BinaryHost } from '../database/mongod/mongod-binary.ts';
import { canRedraw, progressText } from '../render/progress.ts';
import type { Session } from './command.ts';

/** What finding or starting a mongod needs from a session, which shows the progress. */
export function mongodHost(session: Session): BinaryHost {
  const { env, nowMs, monotonicNs, interrupted } = session.context;
  let announced: string | undefined;
  return {
    env,
    nowMs,
    monotonicNs,
    interrupted,
    timeoutMs: session.globals.timeoutMs,
    warn: (line) => session.talk('mongod', line),
    progress: (event) => {
      session.progress(progressText(event.label, event.doneBytes, event.totalBytes));
      // Without a terminal, one line explains a long wait.
      if (canRedraw(session.context) || event.doneBytes === undefined) return;
      if (announced === event.label) return;
      announced = event.label;
      session.talk('mongod', `${event.label} ...`);
    },
  };
}
