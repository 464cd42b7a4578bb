import type { Verdict } from '../../stress/load/check.ts';
import { verdictMeanings, verdictTones } from '../verdict.ts';
import type { ReportVerdict } from './report-data.ts';

/** A verdict, and what it means or why there is none. */
export function reportVerdict({
  verdict,
  reason,
}: {
  readonly verdict: Verdict;
  readonly reason?: string;
}): ReportVerdict {
  const sentence = reason ?? verdictMeanings[verdict];
  return {
    name: verdict,
    tone: verdictTones[verdict],
    sentence: sentence.charAt(0).toUpperCase() + sentence.slice(1),
  };
}
