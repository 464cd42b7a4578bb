import type { Lane, LaneStep, LaneWrite } from '../../lane.ts';

/**
 * Steps through a swimlane: the row of the step is marked, and the stage above shows the state
 * after it: where the model points, what it has cached, and what was written where so far.
 */
export function startPlayer(model: string, lane: Lane): void {
  const player = document.querySelector<HTMLElement>(`[data-lane="${CSS.escape(model)}"]`);
  if (!player) return;
  const rows = lane.steps.map((_, index) => document.getElementById(`step-${model}-${index + 1}`));
  const firstWrong = lane.steps.findIndex(({ wrong }) => wrong !== null);
  const last = lane.steps.length - 1;
  let current = -1;

  const show = (wanted: number) => {
    rows[current]?.removeAttribute('aria-current');
    current = Math.min(Math.max(wanted, 0), last);
    rows[current]?.setAttribute('aria-current', 'step');
    rows[current]?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    draw(player, lane, current);
  };
  const moves: Readonly<Record<string, () => void>> = {
    first: () => show(0),
    back: () => show(current - 1),
    next: () => show(current + 1),
    last: () => show(last),
    wrong: () => show(firstWrong),
  };
  listen(player, moves, firstWrong);
  for (const [index, row] of rows.entries()) row?.addEventListener('click', () => show(index));
  const follow = () => {
    const index = rows.findIndex((row) => row !== null && `#${row.id}` === location.hash);
    if (index < 0) return;
    show(index);
    player.focus({ preventScroll: true });
    player.closest('section')?.scrollIntoView();
  };
  window.addEventListener('hashchange', follow);
  player.hidden = false;
  show(Math.max(firstWrong, 0));
  window.scrollTo(0, 0);
  follow();
}

const keys: Readonly<Record<string, string>> = {
  ArrowLeft: 'back',
  ArrowUp: 'back',
  ArrowRight: 'next',
  ArrowDown: 'next',
  Home: 'first',
  End: 'last',
};

function listen(
  player: HTMLElement,
  moves: Readonly<Record<string, () => void>>,
  firstWrong: number,
): void {
  for (const button of player.querySelectorAll<HTMLButtonElement>('[data-go]')) {
    const go = button.dataset['go'] ?? '';
    if (go === 'wrong' && firstWrong < 0) button.hidden = true;
    button.addEventListener('click', () => moves[go]?.());
  }
  player.addEventListener('keydown', (event) => {
    const move = moves[keys[event.key] ?? ''];
    if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    move();
  });
}

function draw(player: HTMLElement, lane: Lane, current: number): void {
  const step = lane.steps[current];
  const position = player.querySelector('.position');
  const stage = player.querySelector('.stage');
  if (!step || !position || !stage) return;
  position.textContent = `step ${current + 1} of ${lane.steps.length}`;
  for (const button of player.querySelectorAll<HTMLButtonElement>('[data-go]')) {
    const go = button.dataset['go'];
    const atEnd = current === lane.steps.length - 1;
    button.disabled =
      ((go === 'first' || go === 'back') && current === 0) ||
      ((go === 'next' || go === 'last') && atEnd);
  }
  const done = lane.steps.slice(0, current + 1);
  stage.replaceChildren(
    sentence(step),
    element('div', 'boxes', [
      ...(lane.steps.some(({ model }) => model) ? [modelBox(step, lane)] : []),
      ...lane.collections.map((collection) => collectionBox(collection, step, done)),
    ]),
  );
}

function sentence({ worker, phrases }: LaneStep): HTMLElement {
  const parts = phrases.map(({ tone, text }) => element('span', tone, [text.trim()]));
  return element('p', 'now', [element('b', '', [`Worker ${worker}`]), ...parts]);
}

function modelBox({ model }: LaneStep, lane: Lane): HTMLElement {
  const name = model?.name ?? 'not yet known';
  const cached = model ? (model.cached ?? 'nothing') : 'not yet known';
  const home = lane.collections[0];
  const switched = model !== null && model.name !== home;
  return element('div', `box model${switched ? ' switched' : ''}`, [
    element('h4', '', ['the shared model']),
    element('p', '', ['points at ', element('b', '', [name])]),
    element('p', '', ['has cached ', element('b', '', [cached])]),
  ]);
}

function collectionBox(
  collection: string,
  { model }: LaneStep,
  done: readonly LaneStep[],
): HTMLElement {
  const pointed = model?.name === collection;
  const cached = model?.cached === collection;
  const writes = done.flatMap((step) =>
    step.writes.filter((write) => write.collection === collection),
  );
  const latest = new Set(done.at(-1)?.writes);
  return element('div', `box${pointed ? ' pointed' : ''}`, [
    element('h4', '', [collection]),
    element('p', 'flags', [
      ...(pointed ? [element('span', 'flag', ['pointed at'])] : []),
      ...(cached ? [element('span', 'flag', ['cached'])] : []),
    ]),
    element(
      'ul',
      '',
      writes.map((write) => writeItem(write, latest.has(write))),
    ),
  ]);
}

function writeItem(write: LaneWrite, isNew: boolean): HTMLElement {
  const { worker, should_be, collection, wrong } = write;
  const belongs = should_be === collection ? '' : `, meant for ${should_be}`;
  const nothing = wrong === 'lost' ? ', matched nothing' : '';
  const text = `${wrong === null ? '✓' : '✗'} worker ${worker} wrote${belongs}${nothing}`;
  return element('li', `${wrong === null ? 'good' : 'bad'}${isNew ? ' new' : ''}`, [text]);
}

/** An element with text and other elements in it. Text stays text, whatever it says. */
function element(
  name: string,
  className: string,
  children: readonly (string | HTMLElement)[],
): HTMLElement {
  const made = document.createElement(name);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}
