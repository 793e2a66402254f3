import type { AdaptableParameter } from '../../../src/reasoning/adaptation/parameters.js';
import { ReasoningBank } from '../../../src/reasoning/bank.js';
import type { BankAction, BankOptions } from '../../../src/reasoning/contract.js';
import { SeededRandom } from '../../../src/numeric/random.js';
import { forecast } from '../../../src/tasks/pattern-match/forecast.js';
import { parsePatternMatchInput } from '../../../src/tasks/pattern-match/input.js';
import { match } from '../../../src/tasks/pattern-match/match.js';
import { type Prices, readPrices } from '../../demo/prices.js';
import { meanOf, meanOfSeries } from './estimates.js';
import type { Plan } from './options.js';
import type { AdaptationResult, AdaptedResult, ForecastErrors } from './results.js';

/** Trading days ahead. There are as many agents, and each forecasts every fifth day: its forecasts do not overlap. */
const HORIZON = 5;
const KIND = 'pattern-match';
const DAY_MS = 86_400_000;
/** Days after which the errors of two forecasts are taken to be independent: twice the overlap. */
const LAGS = 2 * HORIZON;

/** What a forecast may be made with, and how far one change goes. */
const PARAMETERS: readonly AdaptableParameter[] = [
  { name: 'length', type: 'integer', initial: 20, minimum: 10, maximum: 60, scale: 'factor', step: 1.5 },
  { name: 'k', type: 'integer', initial: 5, minimum: 2, maximum: 40, scale: 'factor', step: 2 },
  { name: 'window', type: 'integer', initial: 3, minimum: 0, maximum: 10, scale: 'linear', step: 2 },
  { name: 'similarity', type: 'number', initial: 0, minimum: 0, maximum: 0.9, scale: 'linear', step: 0.2 },
];

interface Parameters {
  readonly length: number;
  /** Matches asked for. */
  readonly k: number;
  /** Sakoe-Chiba radius. */
  readonly window: number;
  /** Matches less similar than this do not count. */
  readonly similarity: number;
}

interface Prediction {
  /** Relative change over the horizon; 0 when nothing is known. */
  readonly expected: number;
  readonly confidence: number;
}

/** Forecasts of the S&P 500 day by day, each from the past alone, with parameters that the bank adapts and with fixed ones. */
export async function measureAdaptation(seed: number, { from, walks }: Plan): Promise<AdaptationResult> {
  const prices = await readPrices();
  const first = prices.dates.findIndex((date) => date >= from);
  const end = prices.closes.length - HORIZON;
  const forecaster = new Forecaster(prices);
  const actual = actualReturns(prices, first, end);
  const fixed = walk(forecaster, prices, first, end, null, seed).expected;
  const adapted = (inDoubt: InDoubt): AdaptedResult => {
    const runs = Array.from({ length: walks }, (_, n) =>
      walk(forecaster, prices, first, end, inDoubt, seed * 1_000 + n),
    );
    const losses = runs.map(({ expected }) => lossesOf(expected, fixed, actual));
    const each = runs.map(({ expected }) => errors(expected, actual));
    return {
      meanAbsolute: meanOf(each.map(({ meanAbsolute }) => meanAbsolute)),
      rootMeanSquare: meanOf(each.map(({ rootMeanSquare }) => rootMeanSquare)),
      direction: meanOf(each.map(({ direction }) => direction)),
      difference: meanOfSeries(losses, LAGS),
      differences: losses.map(meanOf),
      changesTried: runs.reduce((sum, { tried }) => sum + tried, 0),
      changesKept: runs.reduce((sum, { kept }) => sum + kept, 0),
    };
  };
  return {
    from: prices.dates[first] ?? '',
    to: prices.dates[end - 1] ?? '',
    forecasts: actual.length,
    walks,
    fixed: errors(fixed, actual),
    noChange: errors(
      actual.map(() => 0),
      actual,
    ),
    cautious: adapted('roll-back'),
    bold: adapted('keep-better'),
  };
}

/** By how many percentage points each forecast is further from what came than the fixed one. */
function lossesOf(
  expected: readonly number[],
  fixed: readonly number[],
  actual: readonly number[],
): number[] {
  return expected.map((value, i) => {
    const came = actual[i] ?? 0;
    return 100 * (Math.abs(value - came) - Math.abs((fixed[i] ?? 0) - came));
  });
}

type InDoubt = 'roll-back' | 'keep-better';

interface Walk {
  readonly expected: readonly number[];
  readonly tried: number;
  readonly kept: number;
}

/** `inDoubt`: null for fixed parameters: the bank hears the same, but nobody follows it. */
function walk(
  forecaster: Forecaster,
  prices: Prices,
  first: number,
  end: number,
  inDoubt: InDoubt | null,
  seed: number,
): Walk {
  const bank = bankFor(inDoubt, seed);
  const agents = Array.from({ length: HORIZON }, () => ({ parameters: initialParameters() }));
  const expected: number[] = [];
  for (let day = first; day < end; day++) {
    const now = day * DAY_MS;
    const agentId = agentOf(day);
    const agent = agents[day % HORIZON];
    const obey = (actions: readonly BankAction[]) => {
      for (const action of actions) {
        if (action.type !== 'adapt' || agent === undefined || inDoubt === null) continue;
        agent.parameters = changed(agent.parameters, action.command.suggestions);
        const { adaptationId } = action.command;
        obey(bank.handle({ type: 'adaptationAcknowledged', agentId, adaptationId }, now));
      }
    };
    // first what the day brings to light, then the next forecast: the one that is judged is of the same agent
    const before = prices.closes[day - HORIZON];
    const close = prices.closes[day];
    if (day - HORIZON >= first && before !== undefined && close !== undefined) {
      const taskId = String(day - HORIZON);
      obey(bank.handle({ type: 'outcomeReported', taskId, outcome: { actual: close / before - 1 } }, now));
    }
    const prediction = forecaster.predict(day, agent?.parameters ?? initialParameters());
    expected.push(prediction.expected);
    bank.handle(
      {
        type: 'taskCompleted',
        taskId: String(day),
        agentId,
        kind: KIND,
        context: {},
        startedAt: now,
        latencyMs: 1,
        confidence: prediction.confidence,
        awaits: { expected: prediction.expected },
      },
      now,
    );
  }
  const { adaptations } = bank.reports.summary();
  return {
    expected,
    tried: adaptations.kept + adaptations['rolled-back'],
    kept: adaptations.kept,
  };
}

/** Always in search of something better: 500 outcomes of an agent are few, so samples are small and the level is generous. */
function bankFor(inDoubt: InDoubt | null, seed: number): ReasoningBank {
  const options: BankOptions = {
    adaptation: {
      parameters: inDoubt === null ? {} : { [KIND]: PARAMETERS },
      window: 10,
      adaptBelow: 1,
      baseline: 20,
      trial: { outcomes: 20, looks: 2, level: 0.2 },
      inDoubt: inDoubt ?? 'roll-back',
      rest: 40,
    },
  };
  let ids = 0;
  return new ReasoningBank(options, { random: new SeededRandom(seed), newId: () => String(ids++) }, 0);
}

/** Forecasts, remembered: different walks ask for many of the same. */
class Forecaster {
  readonly #closes: Float64Array;
  readonly #known = new Map<string, Prediction>();

  constructor({ closes }: Prices) {
    this.#closes = closes;
  }

  /** From the closes up to and with `day`; nothing later is in reach. */
  predict(day: number, { length, k, window, similarity }: Parameters): Prediction {
    const key = [day, length, k, window, similarity].join(' ');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const start = day - length + 1;
    const { matches } = match(
      parsePatternMatchInput({
        current: this.#closes.subarray(start, day + 1),
        series: this.#closes.subarray(0, start),
        metric: 'dtw',
        k,
        window,
        normalize: true,
        horizon: HORIZON,
      }),
    );
    const { expectedOutcome, confidence } = forecast(
      matches.filter((found) => found.similarity >= similarity),
    );
    const prediction = { expected: expectedOutcome ?? 0, confidence };
    this.#known.set(key, prediction);
    return prediction;
  }
}

function agentOf(day: number): string {
  return `pattern-${(day % HORIZON) + 1}`;
}

function initialParameters(): Parameters {
  return changed({ length: 20, k: 5, window: 3, similarity: 0 }, []);
}

function changed(
  parameters: Parameters,
  suggestions: readonly { readonly parameter: string; readonly suggested: unknown }[],
): Parameters {
  const next: Record<keyof Parameters, number> = { ...parameters };
  for (const { parameter, suggested } of suggestions) {
    if (!isParameter(parameter) || typeof suggested !== 'number') continue;
    next[parameter] = suggested;
  }
  return next;
}

function isParameter(name: string): name is keyof Parameters {
  return PARAMETERS.some((parameter) => parameter.name === name);
}

function actualReturns({ closes }: Prices, first: number, end: number): readonly number[] {
  const returns: number[] = [];
  for (let day = first; day < end; day++) returns.push((closes[day + HORIZON] ?? 0) / (closes[day] ?? 1) - 1);
  return returns;
}

function errors(expected: readonly number[], actual: readonly number[]): ForecastErrors {
  const differences = expected.map((value, i) => 100 * (value - (actual[i] ?? 0)));
  const right = expected.map((value, i) => (Math.sign(value) === Math.sign(actual[i] ?? 0) ? 1 : 0));
  return {
    meanAbsolute: meanOf(differences.map(Math.abs)),
    rootMeanSquare: Math.sqrt(meanOf(differences.map((value) => value * value))),
    direction: meanOf(right),
  };
}
