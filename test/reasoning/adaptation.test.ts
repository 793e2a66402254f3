import fc from 'fast-check';
import t from 'tap';
import { type AdaptationOptions, DEFAULT_ADAPTATION } from '../../src/reasoning/adaptation/options.js';
import {
  type AdaptableParameter,
  checkParameters,
  directionOf,
  isAllowed,
  moved,
} from '../../src/reasoning/adaptation/parameters.js';
import { AdaptationPlanner, type PlannerSink } from '../../src/reasoning/adaptation/planner.js';
import type { Adaptation, AdaptationReport } from '../../src/reasoning/adaptation/state.js';
import { judgeTrial } from '../../src/reasoning/adaptation/trial.js';
import type { Scalar } from '../../src/reasoning/experience.js';
import { SeededRandom } from '../../src/numeric/random.js';
import type { Suggestion } from '../../src/reasoning/verdict.js';
import { normal } from './support.js';

const WINDOW: AdaptableParameter = {
  name: 'window',
  type: 'integer',
  initial: 3,
  minimum: 0,
  maximum: 10,
  scale: 'linear',
  step: 2,
};
const OPTIONS: AdaptationOptions = {
  ...DEFAULT_ADAPTATION,
  parameters: { k: [WINDOW] },
  window: 10,
  adaptBelow: 0.5,
  baseline: 20,
  trial: { outcomes: 20, looks: 3, level: 0.1 },
  rest: 50,
  acknowledgeMs: 100,
  maxSends: 2,
};

interface Command {
  readonly agentId: string;
  readonly adaptationId: string;
  readonly suggestions: readonly Suggestion[];
}

/** A planner, and an agent whose scores follow from its parameters. */
class World {
  readonly commands: Command[] = [];
  readonly reports: AdaptationReport[] = [];
  readonly stored: Adaptation[] = [];
  readonly values: Record<string, Scalar> = { window: 3 };
  readonly random: SeededRandom;
  planner: AdaptationPlanner;
  now = 1;
  #ids = 0;

  constructor(
    readonly level: (window: number) => number,
    readonly options: AdaptationOptions = OPTIONS,
    seed = 1,
  ) {
    this.random = new SeededRandom(seed);
    this.planner = new AdaptationPlanner(options, this.random);
  }

  readonly sink: PlannerSink = {
    newId: () => `adaptation-${++this.#ids}`,
    command: ({ agentId }, adaptationId, suggestions) => {
      this.commands.push({ agentId, adaptationId, suggestions });
    },
    ended: (report) => this.reports.push(report),
    changed: (adaptation) => this.stored.push({ ...adaptation }),
  };

  work(noise = 0.1, startedAt = this.now): void {
    const score = this.level(Number(this.values['window'])) + noise * normal(this.random);
    this.planner.score('a', 'k', score, startedAt, ++this.now, this.sink);
  }

  /** Works until a command comes, at most `limit` times. */
  workUntilCommand(limit = 1_000): Command | undefined {
    for (let n = 0; n < limit && this.commands.length === 0; n++) this.work();
    return this.commands.shift();
  }

  obey({ adaptationId, suggestions }: Command): void {
    for (const { parameter, suggested } of suggestions) this.values[parameter] = suggested;
    this.planner.acknowledged('a', adaptationId, ++this.now, this.sink);
  }

  workAndObey(outcomes: number, noise?: number): void {
    for (let n = 0; n < outcomes; n++) {
      this.work(noise);
      for (let command = this.commands.shift(); command !== undefined; command = this.commands.shift())
        this.obey(command);
    }
  }

  get phase(): string | undefined {
    return [...this.planner.tracked][0]?.phase.phase;
  }
}

t.test('a change that helps is kept, and the search goes on to the best value', async (t) => {
  const world = new World((window) => 0.4 - 0.1 * Math.abs(window - 9), { ...OPTIONS, adaptBelow: 0.35 });
  world.workAndObey(2_000, 0.05);
  t.equal(world.values['window'], 9);
  t.ok(world.reports.filter(({ end }) => end === 'kept').length >= 3, 'three steps from 3 to 9');
  t.same(world.planner.values('a', 'k'), { window: 9 }, 'the planner knows');
  for (const { end, comparison } of world.reports) {
    if (end === 'kept') t.ok((comparison?.difference ?? 0) > 0);
  }
});

t.test('a change that hurts is rolled back with the old values', async (t) => {
  const world = new World((window) => (window === 3 ? 0 : -0.5));
  const change = world.workUntilCommand();
  const suggestion = change?.suggestions[0];
  if (change === undefined || suggestion === undefined) throw new Error('nothing was suggested');
  t.equal(suggestion.current, 3);
  t.equal(Math.abs(Number(suggestion.suggested) - 3), 2, 'one step');
  t.match(suggestion.reason, /mean score/);
  world.obey(change);
  t.equal(world.phase, 'trying');
  const back = world.workUntilCommand(20);
  t.same(
    back?.suggestions.map(({ parameter, suggested }) => [parameter, suggested]),
    [['window', 3]],
  );
  t.same(
    world.reports.map(({ end, outcomes }) => [end, outcomes]),
    [['rolled-back', 20]],
  );
  if (back !== undefined) world.obey(back);
  t.equal(world.phase, 'watching');
  const next = world.workUntilCommand();
  t.not(next?.suggestions[0]?.suggested, suggestion.suggested, 'the move that hurt is not repeated');
});

t.test('a change without effect is rarely taken for a good one, and undone in doubt', async (t) => {
  let kept = 0;
  let tried = 0;
  for (let seed = 0; seed < 150; seed++) {
    const world = new World(() => 0, OPTIONS, seed);
    world.workAndObey(110, 0.3);
    const [first] = world.reports;
    if (first === undefined) continue;
    tried++;
    if (first.end === 'kept') kept++;
  }
  t.ok(tried > 100, `${tried} trials`);
  t.ok(kept / tried < 0.1, `${kept} of ${tried} kept; the level of 0.1 is for both sides`);
  const world = new World(() => 0);
  world.workAndObey(300);
  t.ok(world.reports.length > 0);
});

t.test('with keep-better the better mean decides in doubt', async (t) => {
  const scores = [0, 1, 0, 1];
  const trial = { outcomes: 4, looks: 1, level: 0.01 };
  const result = judgeTrial(scores, [0.1, 1, 0, 1], trial);
  t.equal(result.decision, 'in-doubt');
  const world = new World((window) => (window === 3 ? 0 : 0.001), {
    ...OPTIONS,
    inDoubt: 'keep-better',
    trial: { outcomes: 2, looks: 1, level: 1e-9 },
    baseline: 2,
  });
  world.workAndObey(200, 1e-9);
  t.ok(world.reports.some(({ end }) => end === 'kept'));
});

t.test('after all moves failed it rests before it tries again', async (t) => {
  const world = new World((window) => (window === 3 ? 0 : -0.5));
  // each change: a window of 10, a baseline of 20, a trial of 20
  world.workAndObey(105);
  t.equal(world.reports.length, 2, 'up and down');
  world.workAndObey(50);
  t.equal(world.phase, 'resting');
  t.equal(world.reports.length, 2);
  world.workAndObey(60);
  t.equal(world.reports.length, 3);
});

t.test('good agents are left alone', async (t) => {
  const world = new World(() => 0.9);
  world.workAndObey(500);
  t.equal(world.phase, 'watching');
  t.same(world.reports, []);
});

t.test('work begun before a change does not count for it', async (t) => {
  const world = new World(() => 0);
  const change = world.workUntilCommand();
  if (change === undefined) throw new Error('no command');
  const before = world.now;
  for (let n = 0; n < 100; n++) world.work();
  t.equal(world.phase, 'asking', 'nothing counts before the agent says that it has changed');
  world.obey(change);
  for (let n = 0; n < 100; n++) world.work(0.1, before);
  t.same(world.reports, []);
  for (let n = 0; n < 60; n++) world.work();
  t.equal(world.reports.length, 1);
});

t.test('a command is repeated, then given up and undone', async (t) => {
  const world = new World(() => 0);
  const change = world.workUntilCommand();
  const deadline = world.planner.nextDeadline();
  t.ok(deadline !== null);
  world.planner.tick((deadline ?? 0) - 1, world.sink);
  t.same(world.commands, [], 'not before its time');
  world.planner.tick(deadline ?? 0, world.sink);
  t.same(world.commands.shift(), change, 'the same command');
  world.planner.tick((deadline ?? 0) + 100, world.sink);
  t.same(
    world.reports.map(({ end }) => end),
    ['abandoned'],
  );
  const back = world.commands.shift();
  t.equal(back?.suggestions[0]?.suggested, 3, 'the agent may have heard the first');
  world.planner.acknowledged('a', change?.adaptationId ?? '', 1_000, world.sink);
  t.equal(world.phase, 'returning', 'an answer to what was given up changes nothing');
  world.planner.acknowledged('b', back?.adaptationId ?? '', 1_000, world.sink);
  t.equal(world.phase, 'returning', "nor does another agent's");
  world.planner.tick((deadline ?? 0) + 200, world.sink);
  world.planner.tick((deadline ?? 0) + 300, world.sink);
  t.equal(world.phase, 'watching');
  t.equal(world.planner.nextDeadline(), null);
});

t.test('a refused change is not asked for again', async (t) => {
  const world = new World(() => 0);
  const change = world.workUntilCommand();
  world.planner.refused('a', change?.adaptationId ?? '', 1_000, world.sink);
  t.same(
    world.reports.map(({ end }) => end),
    ['refused'],
  );
  world.now = 2_000;
  const next = world.workUntilCommand();
  t.not(next?.suggestions[0]?.suggested, change?.suggestions[0]?.suggested);
});

t.test(
  'an agent that starts anew gets back what was kept; one that resumes hears the command again',
  async (t) => {
    const world = new World((window) => (window >= 5 ? 0.9 : 0));
    world.workAndObey(400);
    t.equal(world.values['window'], 5);
    world.planner.joined('a', false, ++world.now, world.sink);
    const restore = world.commands.shift();
    t.same(
      restore?.suggestions.map(({ current, suggested }) => [current, suggested]),
      [[3, 5]],
    );
    world.planner.joined('a', true, ++world.now, world.sink);
    t.equal(world.commands.shift()?.adaptationId, restore?.adaptationId);

    const trying = new World(() => 0);
    const change = trying.workUntilCommand();
    if (change !== undefined) trying.obey(change);
    trying.planner.joined('a', false, ++trying.now, trying.sink);
    t.same(
      trying.reports.map(({ end }) => end),
      ['interrupted'],
    );
    t.same(trying.commands, [], 'it has its initial values again');
  },
);

t.test('suggestions from outside are followed when they keep within bounds', async (t) => {
  const suggest = (suggested: Scalar, parameter = 'window') => {
    const world = new World(() => 0.9);
    const suggestion = { parameter, current: 3, suggested, reason: 'because' };
    world.planner.score('a', 'k', 0.9, 1, 2, world.sink, [suggestion]);
    return world.planner.suggestions('a', 'k').map(({ suggested: to, reason }) => [to, reason]);
  };
  t.same(suggest(4), [[4, 'because']]);
  for (const tooFar of [6, -1, 3, 3.5, '4', null, NaN]) t.same(suggest(tooFar), [], String(tooFar));
  t.same(suggest(4, 'unknown'), []);
});

t.test('steps are bounded, whatever the parameter', async () => {
  const parameters = fc
    .record({
      type: fc.constantFrom('integer', 'number'),
      minimum: fc.integer({ min: 1, max: 50 }),
      span: fc.integer({ min: 0, max: 100 }),
      scale: fc.constantFrom('linear', 'factor'),
      step: fc.double({ min: 1.01, max: 5, noNaN: true }),
    })
    .map(({ type, minimum, span, scale, step }): AdaptableParameter => {
      return { name: 'p', type, minimum, maximum: minimum + span, initial: minimum, scale, step };
    });
  fc.assert(
    fc.property(parameters, fc.array(fc.constantFrom(1, -1), { maxLength: 50 }), (parameter, directions) => {
      if (parameter.type === 'choice') return false;
      checkParameters({ k: [parameter] });
      let value: Scalar = parameter.initial;
      for (const direction of directions) {
        const next = moved(parameter, value, direction);
        if (next === null) continue;
        if (typeof next !== 'number' || typeof value !== 'number') return false;
        const limit = parameter.scale === 'linear' ? value + parameter.step : value * parameter.step;
        const low = parameter.scale === 'linear' ? value - parameter.step : value / parameter.step;
        // a whole number moves by one at least, and is rounded to the nearest
        const slack = parameter.type === 'integer' ? 1 : 1e-9;
        const good =
          next >= parameter.minimum &&
          next <= parameter.maximum &&
          next <= limit + slack &&
          next >= low - slack &&
          (parameter.type === 'number' || Number.isInteger(next)) &&
          isAllowed(parameter, value, next) &&
          directionOf(parameter, value, next) === direction;
        if (!good) return false;
        value = next;
      }
      return true;
    }),
  );
});

t.test('choices move to their neighbours', async (t) => {
  const metric: AdaptableParameter = { name: 'm', type: 'choice', initial: 'b', choices: ['a', 'b', 'c'] };
  t.equal(moved(metric, 'b', 1), 'c');
  t.equal(moved(metric, 'a', -1), null);
  t.equal(moved(metric, 'unknown', 1), 'b');
  t.equal(directionOf(metric, 'c', 'a'), -1);
});

t.test('parameters and options that make no sense are refused by name', async (t) => {
  const refuse = (change: object) =>
    t.throws(
      () =>
        new AdaptationPlanner(
          { ...OPTIONS, parameters: { k: [{ ...WINDOW, ...change }] } },
          new SeededRandom(1),
        ),
      {
        name: 'RangeError',
        message: /parameter .* of k/,
      },
    );
  for (const change of [
    { initial: 11 },
    { step: 0 },
    { maximum: Infinity },
    { scale: 'factor', step: 1 },
    { scale: 'factor', step: 2, minimum: 0 },
    { name: '' },
  ]) {
    refuse(change);
  }
  t.throws(() => checkParameters({ k: [WINDOW, WINDOW] }), /twice/);
  t.throws(() => new AdaptationPlanner({ ...OPTIONS, window: 1 }, new SeededRandom(1)), RangeError);
});

t.test('it goes on from its records', async (t) => {
  const options = { ...OPTIONS, adaptBelow: 0.35 };
  const world = new World((window) => 0.4 - 0.1 * Math.abs(window - 9), options);
  for (let n = 0; n < 40; n++) {
    world.workAndObey(25, 0.05);
    const before = world.planner;
    const kept = JSON.parse(JSON.stringify(before.plain())) as ReturnType<typeof before.plain>;
    world.planner = new AdaptationPlanner(options, world.random, kept);
    t.same(world.planner.plain(), before.plain());
  }
  t.equal(world.values['window'], 9);
  const last = world.stored.at(-1);
  const fromRecord = new AdaptationPlanner(options, world.random);
  if (last !== undefined) fromRecord.restore(last);
  t.same(fromRecord.values('a', 'k'), { window: 9 });
});

t.test('the pairs followed are bounded', async (t) => {
  const world = new World(() => 0, { ...OPTIONS, maxTracked: 5 });
  for (let n = 0; n < 50; n++) world.planner.score(`agent-${n}`, 'k', 0, 1, 2, world.sink);
  t.equal([...world.planner.tracked].length, 5);
});
