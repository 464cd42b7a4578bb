/**
 * Makes true histories: a bank that does one thing at a time, seen by clients that overlap. Each
 * operation takes effect at one moment between its beginning and its end, or, if its answer never
 * came, at some moment after its beginning or not at all. It knows nothing about the judge.
 */

/** One line of a history. */
export type Line = Readonly<Record<string, unknown>>;

interface Account {
  readonly name: string;
  cents: number;
  version: number;
  readonly postings: unknown[];
}

interface Request {
  readonly f: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly legs: readonly { readonly account: Account; readonly cents: number }[];
  readonly reverses?: string;
}

interface UnderWay {
  readonly request: Request;
  process: number;
  /** The answer it will get; undefined until it takes effect. */
  end: { readonly type: 'ok' | 'fail'; readonly value: object; readonly more: object } | undefined;
}

export interface TrueHistory {
  readonly lines: readonly Line[];
  /** Without what is stored: only the ids, and a snapshot at the end. */
  readonly idsAlone: readonly Line[];
}

/** The generator of Park and Miller: small, and the same everywhere. */
export function seededDraw(seed: number): (below: number) => number {
  let state = (seed % 2_147_483_646) + 1;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return Math.floor((state / 2_147_483_647) * below);
  };
}

const money = (cents: number) => (cents / 100).toFixed(2);

export function trueHistory(seed: number, steps = 160): TrueHistory {
  return new SerialBank(seededDraw(seed)).history(steps);
}

class SerialBank {
  readonly #draw: (below: number) => number;
  readonly #accounts: readonly Account[];
  readonly #initial: Readonly<Record<string, object>>;
  readonly #lines: Line[] = [];
  readonly #idle: number[] = [];
  readonly #underWay: UnderWay[] = [];
  /** Nobody waits for them any longer, but they may still take effect. */
  readonly #forgotten: Request[] = [];
  readonly #asked: Request[] = [];
  readonly #told = new Map<string, object>();
  readonly #reversed = new Set<string>();
  #hasKilled = false;
  #nextProcess = 5;
  #nextId = 0;
  #pid = 100;

  constructor(draw: (below: number) => number) {
    this.#draw = draw;
    const names = ['branch1:A', 'branch1:B', 'branch2:A', 'branch3:A'].slice(0, 2 + draw(3));
    const first = () => ({ cents: draw(3) * 1000, version: 1 + draw(3), postings: [] });
    this.#accounts = names.map((name) => ({ name, ...first() }));
    this.#initial = Object.fromEntries(
      this.#accounts.map(({ name, cents, version }) => [name, { balance: money(cents), version }]),
    );
    for (let process = 1; process < 2 + draw(4); process += 1) this.#idle.push(process);
  }

  history(steps: number): TrueHistory {
    for (let step = 0; step < steps; step += 1) this.#step();
    while (this.#underWay.length > 0) this.#end(this.#underWay[0]);
    while (this.#forgotten.length > 0) this.#wake();
    const init = {
      type: 'ok',
      f: 'init',
      value: { accounts: this.#initial },
      ...(this.#hasKilled ? { faults: 'kill' } : {}),
    };
    const ids = [...this.#told.keys()];
    const accounts = Object.fromEntries(
      this.#accounts.map(({ name, cents, version, postings }) => [
        name,
        { balance: money(cents), version, postings },
      ]),
    );
    const last = [
      { process: 999, type: 'invoke', f: 'snapshot', value: {} },
      { process: 999, type: 'ok', f: 'snapshot', value: this.#snapshot() },
    ];
    const applied = (value: object) => ({ type: 'ok', f: 'applied', value });
    const timed = (lines: readonly Line[]) => lines.map((line, time) => ({ ...line, time }));
    return {
      lines: timed([init, ...this.#lines, applied({ ids, accounts })]),
      idsAlone: timed([init, ...this.#lines, ...last, applied({ ids })]),
    };
  }

  #step(): void {
    const one = this.#pick(this.#underWay);
    const action = this.#draw(20);
    if (action < 7) this.#begin();
    else if (action < 12 && one) this.#takeEffect(one);
    else if (action < 17 && one) this.#end(one);
    else if (action === 17 && one) this.#giveUp(one);
    else if (action === 18) this.#wake();
    else if (action === 19 && this.#draw(10) === 0) this.#kill();
  }

  #pick<T>(list: readonly T[]): T | undefined {
    return list[this.#draw(list.length)];
  }

  #begin(): void {
    const process = this.#idle.shift();
    if (process === undefined) return;
    const request = this.#request();
    this.#underWay.push({ request, process, end: undefined });
    this.#lines.push({ process, type: 'invoke', f: request.f, value: request.value });
  }

  #request(): Request {
    const account = this.#pick(this.#accounts);
    const to = this.#pick(this.#accounts.filter((other) => other !== account));
    const past = this.#pick(this.#asked);
    if (!account || !to) throw new Error('a bank has two accounts');
    switch (this.#draw(8)) {
      case 0:
        return { f: 'snapshot', value: {}, legs: [] };
      case 1:
        return { f: 'read', value: { account: account.name }, legs: [{ account, cents: 0 }] };
      case 2:
        return past ?? this.#request();
      case 3:
        return past && past.reverses === undefined ? this.#reversal(past) : this.#request();
      case 4:
      case 5:
        return this.#ask('increment', { account: account.name }, [
          { account, cents: this.#draw(1500) - 600 || 1 },
        ]);
      default: {
        const cents = 1 + this.#draw(900);
        const legs = [
          { account, cents: -cents },
          { account: to, cents },
        ];
        return this.#ask('transfer', { from: account.name, to: to.name }, legs);
      }
    }
  }

  #reversal({ f, value, legs }: Request): Request {
    const back = legs.map(({ account, cents }) => ({ account, cents: -cents }));
    const id = String(value['id']);
    return f === 'increment'
      ? this.#ask(f, { account: value['account'], reverses: id }, back)
      : this.#ask(f, { from: value['to'], to: value['from'], reverses: id }, back.reverse());
  }

  #ask(f: string, about: Readonly<Record<string, unknown>>, legs: Request['legs']): Request {
    this.#nextId += 1;
    const { reverses } = about;
    const amount = money(legs.at(-1)?.cents ?? 0);
    const request = {
      f,
      value: { id: `id-${this.#nextId}`, ...about, amount },
      legs,
      ...(typeof reverses === 'string' ? { reverses } : {}),
    };
    this.#asked.push(request);
    return request;
  }

  #takeEffect(one: UnderWay): void {
    one.end ??= this.#answer(one.request);
  }

  #answer({ f, value, legs, reverses }: Request): NonNullable<UnderWay['end']> {
    if (f === 'snapshot') return { type: 'ok', value: this.#snapshot(), more: {} };
    const [leg] = legs;
    if (f === 'read' && leg) {
      const { cents, version } = leg.account;
      return { type: 'ok', value: { ...value, balance: money(cents), version }, more: {} };
    }
    const id = String(value['id']);
    const before = this.#told.get(id);
    if (before) return { type: 'ok', value: before, more: { replayed: true } };
    const isRefused =
      legs.some(({ account, cents }) => account.cents + cents < 0) ||
      (reverses !== undefined && (!this.#told.has(reverses) || this.#reversed.has(reverses)));
    if (isRefused) return { type: 'fail', value, more: { error: 'refused' } };
    if (reverses !== undefined) this.#reversed.add(reverses);
    for (const { account, cents } of legs) {
      account.cents += cents;
      account.version += 1;
      account.postings.push([account.version, id, money(cents), money(account.cents)]);
    }
    const told = legs.map(({ account: { cents, version } }, place) => {
      const prefix = f === 'increment' ? '' : place === 0 ? 'from_' : 'to_';
      return { [`${prefix}balance`]: money(cents), [`${prefix}version`]: version };
    });
    const answer = Object.assign({}, value, ...told);
    this.#told.set(id, answer);
    return { type: 'ok', value: answer, more: {} };
  }

  #snapshot(): object {
    const balances = this.#accounts.map(({ name, cents }) => [name, money(cents)] as const);
    const versions = this.#accounts.map(({ name, version }) => [name, version] as const);
    return { balances: Object.fromEntries(balances), versions: Object.fromEntries(versions) };
  }

  #end(one: UnderWay | undefined): void {
    if (!one) return;
    this.#takeEffect(one);
    if (!one.end) return;
    const { type, value, more } = one.end;
    const { f } = one.request;
    this.#lines.push({ process: one.process, type, f, value, ...more });
    this.#underWay.splice(this.#underWay.indexOf(one), 1);
    this.#idle.push(one.process);
  }

  /** The answer never comes, whether it took effect or will. */
  #giveUp(one: UnderWay): void {
    const { f, value } = one.request;
    const isWrite = value['id'] !== undefined;
    const said = isWrite && one.end === undefined && this.#draw(3) === 0;
    const more = said ? { said: 'not_applied' } : {};
    this.#lines.push({ process: one.process, type: 'info', f, value, error: 'cut', ...more });
    this.#underWay.splice(this.#underWay.indexOf(one), 1);
    this.#idle.push(this.#nextProcess);
    this.#nextProcess += 1;
    if (isWrite && one.end === undefined && !said) this.#forgotten.push(one.request);
  }

  #wake(): void {
    const [request] = this.#forgotten.splice(this.#draw(this.#forgotten.length), 1);
    if (request && this.#draw(2) === 0) this.#answer(request);
  }

  /** A kill that takes effect: one operation gets no answer. */
  #kill(): void {
    const one = this.#pick(this.#underWay);
    if (!one) return;
    this.#hasKilled = true;
    const line = (type: string, f: string, value: object) =>
      this.#lines.push({ process: 'nemesis', type, f, value });
    line('invoke', 'kill', { pid: this.#pid });
    this.#giveUp(one);
    line('info', 'down', {});
    this.#pid += 1;
    line('info', 'kill', { pid: this.#pid });
  }
}
