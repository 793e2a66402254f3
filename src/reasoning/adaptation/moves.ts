import type { Scalar } from '../experience.js';
import type { Suggestion } from '../verdict.js';
import { type AdaptableParameter, type Direction, directionOf, isAllowed, moved } from './parameters.js';
import type { Adaptation } from './state.js';
import type { Tally } from './tallies.js';

export interface Move {
  /** Parameter and direction: `window+`. */
  readonly name: string;
  readonly parameter: AdaptableParameter;
  readonly from: Scalar;
  readonly to: Scalar;
}

/**
 * The next move of a coordinate search: of those that are possible and not spent, the one that has helped most often so far
 * (with any agent; one that was never tried counts as even), among equals the first in the agent's own order. Null when
 * all are spent.
 */
export function nextMove(
  parameters: readonly AdaptableParameter[],
  { values, spent, offset }: Pick<Adaptation, 'values' | 'spent' | 'offset'>,
  tallyOf: (move: string) => Tally,
): Move | null {
  const moves: Move[] = [];
  for (const parameter of parameters) {
    for (const direction of [1, -1] as const) {
      const move = moveOf(parameter, valueOf(values, parameter), direction);
      if (move !== null && !spent.includes(move.name)) moves.push(move);
    }
  }
  let best: Move | null = null;
  let bestShare = -1;
  for (let i = 0; i < moves.length; i++) {
    const move = moves[(i + offset) % moves.length];
    if (move === undefined) continue;
    const { tried, kept } = tallyOf(move.name);
    const share = (kept + 1) / (tried + 2);
    if (share <= bestShare) continue;
    best = move;
    bestShare = share;
  }
  return best;
}

/** What others suggest, as moves; null when one of them is not adaptable, out of range or too far. */
export function movesOf(
  suggestions: readonly Suggestion[],
  parameters: readonly AdaptableParameter[],
  values: Adaptation['values'],
): readonly Move[] | null {
  const moves: Move[] = [];
  for (const { parameter: name, suggested } of suggestions) {
    const parameter = parameters.find((known) => known.name === name);
    if (parameter === undefined || moves.some((move) => move.parameter === parameter)) return null;
    const from = valueOf(values, parameter);
    if (!isAllowed(parameter, from, suggested)) return null;
    moves.push({
      name: nameOf(parameter, directionOf(parameter, from, suggested)),
      parameter,
      from,
      to: suggested,
    });
  }
  return moves.length === 0 ? null : moves;
}

export function valueOf(values: Adaptation['values'], parameter: AdaptableParameter): Scalar {
  return Object.hasOwn(values, parameter.name) ? (values[parameter.name] ?? null) : parameter.initial;
}

/** The name of the move back. */
export function opposite(move: string): string {
  return `${move.slice(0, -1)}${move.endsWith('+') ? '-' : '+'}`;
}

export function suggestionOf({ parameter, from, to }: Move, reason: string): Suggestion {
  return { parameter: parameter.name, current: from, suggested: to, reason };
}

export function suggestedValues(suggestions: readonly Suggestion[]): Readonly<Record<string, Scalar>> {
  return Object.fromEntries(suggestions.map(({ parameter, suggested }) => [parameter, suggested]));
}

function moveOf(parameter: AdaptableParameter, from: Scalar, direction: Direction): Move | null {
  const to = moved(parameter, from, direction);
  return to === null ? null : { name: nameOf(parameter, direction), parameter, from, to };
}

function nameOf({ name }: AdaptableParameter, direction: Direction): string {
  return `${name}${direction === 1 ? '+' : '-'}`;
}
