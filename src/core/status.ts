/** The exit statuses; README explains each. */
export const Status = {
  done: 0,
  refused: 1,
  usage: 2,
  unavailable: 3,
  violation: 4,
  undecided: 5,
  interrupted: 130,
} as const;
export type Status = (typeof Status)[keyof typeof Status];
