import type { Scalar } from '../experience.js';

/** A number that may be changed: by adding or taking away `step` (`linear`), or by multiplying with or dividing by it (`factor`). */
export interface NumberParameter {
  readonly name: string;
  readonly type: 'integer' | 'number';
  /** What agents start with. */
  readonly initial: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly scale: 'linear' | 'factor';
  /** The most that one adaptation changes. Over 0 for `linear`, over 1 for `factor`. */
  readonly step: number;
}

/** One of some values, in an order in which neighbours are alike. */
export interface ChoiceParameter {
  readonly name: string;
  readonly type: 'choice';
  readonly initial: Scalar;
  readonly choices: readonly Scalar[];
}

export type AdaptableParameter = NumberParameter | ChoiceParameter;

/** Which parameters may be adapted, by kind of task. */
export type ParameterRegistry = Readonly<Record<string, readonly AdaptableParameter[]>>;

/** Up or down, or to the next or the previous choice. */
export type Direction = 1 | -1;

/** Throws RangeError when a parameter cannot be adapted as it is described. */
export function checkParameters(registry: ParameterRegistry): void {
  for (const [kind, parameters] of Object.entries(registry)) {
    const names = new Set<string>();
    for (const parameter of parameters) {
      const fault = names.has(parameter.name) ? 'is given twice' : faultOf(parameter);
      if (fault !== null) throw new RangeError(`parameter ${parameter.name} of ${kind}: ${fault}`);
      names.add(parameter.name);
    }
  }
}

function faultOf(parameter: AdaptableParameter): string | null {
  if (parameter.name.length === 0 || parameter.name.length > 64)
    return 'its name must have 1 to 64 characters';
  if (parameter.type === 'choice') {
    return parameter.choices.includes(parameter.initial) ? null : 'initial must be one of choices';
  }
  const { initial, minimum, maximum, scale, step } = parameter;
  if (![initial, minimum, maximum, step].every(Number.isFinite)) return 'all its numbers must be finite';
  if (!(minimum <= initial && initial <= maximum)) return 'initial must be from minimum to maximum';
  if (scale === 'factor' && (step <= 1 || minimum <= 0)) return 'a factor must be over 1, and minimum over 0';
  if (step <= 0) return 'step must be over 0';
  return null;
}

/** The value one step from `from`, or null when that is where the parameter already is. */
export function moved(parameter: AdaptableParameter, from: Scalar, direction: Direction): Scalar {
  if (parameter.type === 'choice') {
    const index = parameter.choices.indexOf(from);
    return index === -1 ? parameter.initial : (parameter.choices[index + direction] ?? null);
  }
  if (typeof from !== 'number') return parameter.initial;
  const { scale, step, type } = parameter;
  const target = scale === 'linear' ? from + direction * step : direction === 1 ? from * step : from / step;
  const value = withinRange(parameter, type === 'integer' ? roundedAway(from, target, direction) : target);
  return value === from ? null : value;
}

/** A whole number at least one away. */
function roundedAway(from: number, target: number, direction: Direction): number {
  const rounded = Math.round(target);
  return rounded === from ? from + direction : rounded;
}

function withinRange({ minimum, maximum }: NumberParameter, value: number): number {
  return Math.min(maximum, Math.max(minimum, value));
}

/** The direction that leads from one value to another. */
export function directionOf(parameter: AdaptableParameter, from: Scalar, to: Scalar): Direction {
  if (parameter.type === 'choice')
    return parameter.choices.indexOf(to) > parameter.choices.indexOf(from) ? 1 : -1;
  return Number(to) > Number(from) ? 1 : -1;
}

/** Whether a value may follow another: in range, of the right type, and no further than one step. */
export function isAllowed(parameter: AdaptableParameter, from: Scalar, to: Scalar): boolean {
  if (parameter.type === 'choice') return to !== from && parameter.choices.includes(to);
  if (typeof to !== 'number' || typeof from !== 'number' || to === from) return false;
  if (parameter.type === 'integer' && !Number.isInteger(to)) return false;
  const direction = to > from ? 1 : -1;
  const furthest = moved(parameter, from, direction);
  return typeof furthest === 'number' && (to - furthest) * direction <= 0;
}
