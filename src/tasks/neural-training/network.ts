import { at } from '../at.js';
import { type Activation, type Loss, type ModelShape } from './options.js';

/**
 * Where a layer's parameters are in the flat array of all: the weights row by row, one row of `inputs` for each unit,
 * then one bias for each unit.
 */
export interface LayerPlace {
  readonly inputs: number;
  readonly units: number;
  readonly activation: Activation;
  readonly weights: number;
  readonly biases: number;
}

/** The places of all layers, in order. */
export function placesOf(shape: ModelShape): LayerPlace[] {
  const places: LayerPlace[] = [];
  let offset = 0;
  let { inputs } = shape;
  for (const { units, activation } of shape.layers) {
    const biases = offset + units * inputs;
    places.push({ inputs, units, activation, weights: offset, biases });
    offset = biases + units;
    inputs = units;
  }
  return places;
}

/** Parameters of all layers together. */
export function parameterCount(shape: ModelShape): number {
  let count = 0;
  let { inputs } = shape;
  for (const { units } of shape.layers) {
    count += units * (inputs + 1);
    inputs = units;
  }
  return count;
}

/** Numbers that the last layer gives. */
export function outputsOf(shape: ModelShape): number {
  return shape.layers.at(-1)?.units ?? 0;
}

/** Samples and what is wanted for them, row by row. */
export interface Rows {
  readonly count: number;
  /** `count` × inputs. */
  readonly samples: Float64Array;
  /** `count` × outputs. */
  readonly labels: Float64Array;
}

/**
 * A dense network: forward pass, loss and its gradient by backpropagation (Rumelhart, Hinton & Williams 1986), in doubles.
 *
 * Losses are means over the samples: `mse` the mean over the outputs of (y - t)², `binary-cross-entropy` the mean over the
 * outputs of -t ln y - (1 - t) ln(1 - y) after a sigmoid, `cross-entropy` -Σ t ln y after a softmax. The latter two are
 * computed from what goes into the last activation, so that no logarithm of 0 is taken.
 */
export class Network {
  readonly parameters: number;
  readonly #loss: Loss;
  readonly #places: readonly LayerPlace[];
  /** What each layer gives for the sample at hand; the first is the sample itself. */
  readonly #values: Float64Array[];
  /** Derivative of the loss by what goes into each layer's activation. */
  readonly #deltas: Float64Array[];
  /** What goes into the last activation. */
  readonly #logits: Float64Array;

  constructor(shape: ModelShape) {
    this.parameters = parameterCount(shape);
    this.#loss = shape.loss;
    this.#places = placesOf(shape);
    this.#values = [shape.inputs, ...shape.layers.map(({ units }) => units)].map(
      (size) => new Float64Array(size),
    );
    this.#deltas = shape.layers.map(({ units }) => new Float64Array(units));
    this.#logits = new Float64Array(outputsOf(shape));
  }

  /** What the network gives for one sample; valid until the next call. */
  predict(parameters: Float64Array, sample: Float64Array): Float64Array {
    this.#values[0]?.set(sample);
    this.#forward(parameters);
    return this.#output;
  }

  /** Mean loss of the rows. */
  loss(parameters: Float64Array, rows: Rows): number {
    let sum = 0;
    for (let row = 0; row < rows.count; row++) {
      this.#take(rows, row);
      this.#forward(parameters);
      sum += this.#lossOf(labelsOf(rows, row));
    }
    return sum / rows.count;
  }

  /**
   * Mean loss of the rows; adds the gradient of it to `gradient`, in the layout of the parameters.
   * @param onRow called before each row; may throw to stop.
   */
  gradient(
    parameters: Float64Array,
    rows: Rows,
    gradient: Float64Array,
    onRow: (row: number) => void = () => undefined,
  ): number {
    let sum = 0;
    for (let row = 0; row < rows.count; row++) {
      onRow(row);
      const labels = labelsOf(rows, row);
      this.#take(rows, row);
      this.#forward(parameters);
      sum += this.#lossOf(labels);
      this.#backward(parameters, labels, 1 / rows.count, gradient);
    }
    return sum / rows.count;
  }

  get #output(): Float64Array {
    return this.#values.at(-1) ?? NOTHING;
  }

  #take({ samples }: Rows, row: number): void {
    const [first = NOTHING] = this.#values;
    first.set(samples.subarray(row * first.length, (row + 1) * first.length));
  }

  #forward(parameters: Float64Array): void {
    for (const [index, place] of this.#places.entries()) {
      const from = this.#values[index] ?? NOTHING;
      const to = this.#values[index + 1] ?? NOTHING;
      for (let unit = 0; unit < place.units; unit++) {
        const row = place.weights + unit * place.inputs;
        let sum = at(parameters, place.biases + unit);
        for (let i = 0; i < place.inputs; i++) sum += at(parameters, row + i) * at(from, i);
        to[unit] = sum;
      }
      if (index === this.#places.length - 1) this.#logits.set(to);
      activate(place.activation, to);
    }
  }

  #lossOf(labels: Float64Array): number {
    const output = this.#output;
    const logits = this.#logits;
    let sum = 0;
    switch (this.#loss) {
      case 'mse':
        for (let i = 0; i < output.length; i++) sum += (at(output, i) - at(labels, i)) ** 2;
        return sum / output.length;
      case 'binary-cross-entropy':
        // ln(1 + e^z) - t z, in the form that does not overflow
        for (let i = 0; i < logits.length; i++) {
          const logit = at(logits, i);
          sum += Math.max(logit, 0) - logit * at(labels, i) + Math.log1p(Math.exp(-Math.abs(logit)));
        }
        return sum / logits.length;
      case 'cross-entropy': {
        const highest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
        let total = 0;
        for (let i = 0; i < logits.length; i++) total += Math.exp(at(logits, i) - highest);
        const logTotal = highest + Math.log(total);
        for (let i = 0; i < logits.length; i++) sum += at(labels, i) * (logTotal - at(logits, i));
        return sum;
      }
    }
  }

  #backward(parameters: Float64Array, labels: Float64Array, share: number, gradient: Float64Array): void {
    const last = this.#places.length - 1;
    this.#startBackward(labels, share);
    for (let index = last; index >= 0; index--) {
      const place = this.#places[index];
      if (place === undefined) return;
      const delta = this.#deltas[index] ?? NOTHING;
      const from = this.#values[index] ?? NOTHING;
      const before = index === 0 ? null : (this.#deltas[index - 1] ?? null);
      before?.fill(0);
      for (let unit = 0; unit < place.units; unit++) {
        const d = at(delta, unit);
        if (d === 0) continue;
        const row = place.weights + unit * place.inputs;
        gradient[place.biases + unit] = at(gradient, place.biases + unit) + d;
        for (let i = 0; i < place.inputs; i++) gradient[row + i] = at(gradient, row + i) + d * at(from, i);
        if (before === null) continue;
        for (let i = 0; i < place.inputs; i++) before[i] = at(before, i) + d * at(parameters, row + i);
      }
      const activation = this.#places[index - 1]?.activation;
      if (before !== null && activation !== undefined) timesSlope(activation, from, before);
    }
  }

  /** Derivative of the sample's loss, times `share`, by what goes into the last activation. */
  #startBackward(labels: Float64Array, share: number): void {
    const delta = this.#deltas.at(-1) ?? NOTHING;
    const output = this.#output;
    const scale = this.#loss === 'cross-entropy' ? share : share / output.length;
    // a distribution may sum to 1 but for rounding: the gradient is that of the loss as it is computed
    const mass = this.#loss === 'cross-entropy' ? labels.reduce((sum, label) => sum + label, 0) : 1;
    const factor = this.#loss === 'mse' ? 2 * scale : scale;
    for (let i = 0; i < output.length; i++) delta[i] = factor * (mass * at(output, i) - at(labels, i));
    const activation = this.#places.at(-1)?.activation;
    if (this.#loss === 'mse' && activation !== undefined) timesSlope(activation, output, delta);
  }
}

const NOTHING = new Float64Array(0);

function labelsOf({ labels, count }: Rows, row: number): Float64Array {
  const outputs = labels.length / count;
  return labels.subarray(row * outputs, (row + 1) * outputs);
}

function activate(activation: Activation, values: Float64Array): void {
  switch (activation) {
    case 'linear':
      return;
    case 'relu':
      for (let i = 0; i < values.length; i++) values[i] = Math.max(0, at(values, i));
      return;
    case 'tanh':
      for (let i = 0; i < values.length; i++) values[i] = Math.tanh(at(values, i));
      return;
    case 'sigmoid':
      for (let i = 0; i < values.length; i++) values[i] = 1 / (1 + Math.exp(-at(values, i)));
      return;
    case 'softmax': {
      const highest = values.reduce((most, value) => Math.max(most, value), -Infinity);
      let total = 0;
      for (let i = 0; i < values.length; i++) {
        const value = Math.exp(at(values, i) - highest);
        values[i] = value;
        total += value;
      }
      for (let i = 0; i < values.length; i++) values[i] = at(values, i) / total;
    }
  }
}

/** Multiplies `by` with the slope of an activation, given what the activation gave. The slope of relu at 0 is 0. */
function timesSlope(activation: Activation, given: Float64Array, by: Float64Array): void {
  switch (activation) {
    case 'relu':
      for (let i = 0; i < by.length; i++) if (at(given, i) <= 0) by[i] = 0;
      return;
    case 'tanh':
      for (let i = 0; i < by.length; i++) by[i] = at(by, i) * (1 - at(given, i) ** 2);
      return;
    case 'sigmoid':
      for (let i = 0; i < by.length; i++) by[i] = at(by, i) * at(given, i) * (1 - at(given, i));
      return;
    case 'linear':
    case 'softmax':
      // softmax comes only last, with cross-entropy, whose derivative includes it
      return;
  }
}
