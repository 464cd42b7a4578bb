import { type Judged, verdictSentence, verdictTones } from '../verdict.ts';
import type { ReportVerdict } from './report-data.ts';

/** A verdict, and what it means or why there is none. */
export function reportVerdict(judged: Judged): ReportVerdict {
  const sentence = verdictSentence(judged);
  return {
    name: judged.verdict,
    tone: verdictTones[judged.verdict],
    sentence: sentence.charAt(0).toUpperCase() + sentence.slice(1),
  };
}
