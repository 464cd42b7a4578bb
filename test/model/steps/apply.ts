import { askAll, type Fate, type Request, requestText } from '../bank.ts';
import { operationFile } from '../files.ts';
import type { Again, Fault, Step } from '../plan.ts';
import {
  applyCounts,
  atomic,
  dryAsReal,
  failedFile,
  must,
  output,
  type Ran,
  resultLines,
  saying,
  wroteNothing,
} from '../relations.ts';
import type { AppliedFile, Session } from '../session.ts';

/** A file of operations: dry first, then under a fault, then for good, then repeated. */
export async function apply(
  session: Session,
  step: Extract<Step, { readonly do: 'apply' }>,
): Promise<void> {
  const { csv, atomic: whole, stop } = step;
  const name = session.fresh('f');
  const batch = step.batch ? session.fresh('batch') : undefined;
  const memo = step.memo === 0 ? '' : `m, "${'é'.repeat(step.memo - 5)}`;
  const isLong = step.ballast === 'long';
  const ballast = Array.from({ length: step.ballast === null ? 0 : 100 }, () => deposit(session));
  const rows = step.rows.map((row) => ({ ask: session.ask(row), memo }));
  const requests = [...ballast, ...rows].map((row, index) => ({ ...row, id: `${name}-${index}` }));
  const length = isLong ? longLine : 0;
  const options = { csv: csv && !isLong, stop, batch, atomic: whole || isLong, length };
  await applyFile(session, { name, requests, options, dry: step.dry, fault: step.fault });
  for (const change of step.again) await again(session, change);
}

/** Characters of a line: a hundred such lines exceed one batch, unless the file is atomic. */
const longLine = 48_000;

/** A small, ordinary row. */
function deposit(session: Session): Omit<Request, 'id'> {
  const at = session.place({ branch: 0, account: 0 });
  return { ask: { type: 'increment', at, minor: 1n, create: true }, memo: '' };
}

/** Applies the file that was applied last again, as it was or changed. */
async function again(session: Session, change: Again): Promise<void> {
  const last = session.lastFile;
  if (last === undefined || (last.vague && change !== 'retry')) return;
  const name = session.fresh('again');
  const ids = keyed(last).map(({ id }) => id);
  const isRefused = (id: string | undefined) => session.model.refused.has(id ?? '');
  const refused = last.requests.filter((_, index) => isRefused(ids[index]));
  if (change === 'deposit first') await makeRoom(session, refused);
  const requests =
    change === 'correct' ? corrected(session, last.requests, refused) : last.requests;
  const { options } = last;
  await applyFile(session, { name, requests, options, dry: true, retry: change === 'retry' });
}

/** Makes room for what was refused, in case it was refused for lack of money. */
async function makeRoom(session: Session, refused: readonly Request[]): Promise<void> {
  const name = session.fresh('deposit');
  const places = refused.flatMap(({ ask }) =>
    'at' in ask ? [ask.at] : 'from' in ask ? [ask.from] : [],
  );
  const requests = places.map((at, index): Request => {
    const asked = { type: 'increment', at, minor: 10_000_000n, create: true } as const;
    return { id: `${name}-${index}`, ask: asked, memo: '' };
  });
  if (requests.length === 0) return;
  const options = { csv: false, atomic: false, stop: false, batch: undefined, length: 0 };
  const kept = session.lastFile;
  await applyFile(session, { name, requests, options, dry: false });
  session.lastFile = kept;
}

/** Changes rows that were refused to ask for something else under the same ids. */
function corrected(
  session: Session,
  requests: readonly Request[],
  refused: readonly Request[],
): readonly Request[] {
  const at = session.place({ branch: 0, account: 0 });
  return requests.map((row) =>
    refused.includes(row)
      ? { ...row, ask: { type: 'increment', at, minor: 123n, create: true } as const }
      : row,
  );
}

interface Application {
  readonly name: string;
  readonly requests: readonly Request[];
  readonly options: AppliedFile['options'];
  readonly dry: boolean;
  readonly retry?: boolean;
  readonly fault?: Fault | null;
}

/**
 * Rows by the model's names for them: ids, or batch, position among identical rows, and request.
 */
function keyed({
  requests,
  options,
}: Pick<AppliedFile, 'requests' | 'options'>): readonly Request[] {
  const { batch } = options;
  if (batch === undefined) return requests;
  const equals = new Map<string, number>();
  return requests.map((row) => {
    const text = requestText(row);
    const position = equals.get(text) ?? 0;
    equals.set(text, position + 1);
    return { ...row, id: `#${batch} ${position} ${text}` };
  });
}

async function applyFile(session: Session, application: Application): Promise<void> {
  const { name, requests, options, dry: dryFirst, retry = false, fault = null } = application;
  const ids = options.batch === undefined;
  const file = operationFile(name, requests, { ...options, ids }, session.world);
  await session.writeFile(file);
  const results = `${name}.results`;
  const words = ['apply', file.name, '--results', results, '--json', ...flags(options, retry)];
  const manner = { ...options, row: true, retryRefused: retry };
  const rows = keyed({ requests, options });
  const [after, fates] = askAll(session.model, session.rules, rows, manner);
  const before = await session.snapshot();
  let dry: Ran | undefined;
  if (dryFirst) {
    dry = await session.run([...words, '--dry-run'], { results });
    wroteNothing('dry run writes nothing', dry, before, await session.snapshot());
  }
  let start = before;
  if (fault !== null) {
    const hit = await session.runFaulty(words, fault, { results });
    start = await session.snapshot();
    resultLines(hit, before, start);
    if (hit.status === 0 || hit.status === 1) applyCounts(hit, before, start);
    else failedFile(hit, before, start);
    if (options.atomic) atomic(hit, requests.length, before, start);
  }
  const real = await session.run(words, { results });
  const end = await session.snapshot();
  if (dry !== undefined && fault === null) dryAsReal(dry, real);
  applyCounts(real, start, end);
  resultLines(real, start, end);
  if (options.atomic) atomic(real, requests.length, start, end);
  fatesAsModelled(real, fates, options, fault !== null);
  const culprit = fates.findIndex(({ kind }) => kind === 'refused');
  if (options.atomic && culprit >= 0) namesCulprit(real, file.lines[culprit] ?? 0);
  session.model = after;
  const vague = options.atomic && fates.some(({ kind }) => kind === 'refused');
  session.lastFile = { requests, options, vague };
  if (retry) return;
  const repeated = await session.run(words, { results });
  wroteNothing('repeated = once', repeated, end, await session.snapshot());
  must('repeated = once', repeated.status === real.status, saying(repeated));
}

/** Names the row that refused all the others, which a person must correct. */
function namesCulprit(ran: Ran, line: number): void {
  const named = ran.stderr.includes(`Line ${line} was refused`);
  must('a refused file names the row', named, `line ${line}: ${saying(ran)}`);
}

function flags(
  { atomic: whole, stop, batch }: AppliedFile['options'],
  retry: boolean,
): readonly string[] {
  return [
    ...(whole ? ['--atomic'] : []),
    ...(stop ? ['--on-refusal', 'stop'] : []),
    ...(batch === undefined ? [] : ['--batch', batch]),
    ...(retry ? ['--retry-refused'] : []),
  ];
}

/** Counts and results are those of the model, row by row. */
function fatesAsModelled(
  ran: Ran,
  fates: readonly Fate[],
  { atomic: whole, stop }: AppliedFile['options'],
  tried: boolean,
): void {
  const relation = 'fate = model';
  const counts = output(ran);
  must(relation, counts?.['applied'] !== undefined, `no counts: ${saying(ran)}`);
  const number = (kind: Fate['kind']) => fates.filter((fate) => fate.kind === kind).length;
  const refused = number('refused') > 0;
  const none = whole && refused;
  const applied = none ? 0 : number('applied');
  const told = `the model applies ${applied} and refuses ${number('refused')}: ${saying(ran)}`;
  must(relation, Number(counts?.['refused']) > 0 === refused, told);
  if (!tried) must(relation, counts?.['applied'] === applied, told);
  if (none || stop || tried) return;
  must(relation, counts?.['refused'] === number('refused'), told);
  for (const [index, fate] of fates.entries()) {
    const line = ran.results[index];
    const is = JSON.stringify(line);
    const wrong = `row ${index + 1} should be ${fate.kind}: ${is}, ${saying(ran)}`;
    must(relation, line?.outcome === fate.kind, wrong);
    if (fate.kind === 'refused') must(relation, fate.codes.includes(line?.code ?? ''), wrong);
  }
}
