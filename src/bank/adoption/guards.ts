import { BankctlError } from '../../core/errors.ts';
import type { BranchModel } from '../branch.ts';

/** A guard that a collection cannot have while documents break it. */
export interface MissingGuard {
  readonly branch: string;
  readonly guard: 'index' | 'validator';
  /** One sentence: which document is in the way. */
  readonly reason: string;
}

/** Gives a branch's collection its index and its validator, or whichever of them is possible. */
export async function guardBranch(branch: BranchModel): Promise<readonly MissingGuard[]> {
  const missing: MissingGuard[] = [];
  const attempt = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      const isBroken =
        error instanceof BankctlError &&
        (error.code === 'foreign_documents' || error.code === 'duplicate_account');
      if (!isBroken) throw error;
      const guard = error.code === 'duplicate_account' ? 'index' : 'validator';
      missing.push({ branch: branch.name, guard, reason: plain(error) });
    }
  };
  await attempt(() => branch.prepare());
  if (missing[0]?.guard === 'validator') await attempt(() => branch.prepare('indexes'));
  return missing;
}

/** Without what is true only of the attempt to make the guard. */
function plain({ message }: BankctlError): string {
  return message.replace('; nothing was written', '');
}
