/** What an interrupted run of a file has left: all of it, its last rows, or rows without answer. */
export type Left = 'all' | 'rest' | 'unknown';

/** What to type so that nothing is left. */
export type Again = (left: Left) => string;
