import fc from 'fast-check';
import t from 'tap';
import { SeededRandom } from '../../../src/numeric/random.js';
import { initialWeights } from '../../../src/tasks/neural-training/initial-weights.js';
import { Network, outputsOf, parameterCount, type Rows } from '../../../src/tasks/neural-training/network.js';
import type { ModelShape } from '../../../src/tasks/neural-training/options.js';

function randomRows(shape: ModelShape, count: number, seed: number): Rows {
  const random = new SeededRandom(seed);
  const outputs = outputsOf(shape);
  const samples = Float64Array.from({ length: count * shape.inputs }, () => 4 * random.fraction() - 2);
  const labels = Float64Array.from({ length: count * outputs }, () => random.fraction());
  if (shape.loss === 'cross-entropy') {
    for (let row = 0; row < count; row++) {
      const one = labels.subarray(row * outputs, (row + 1) * outputs);
      const sum = one.reduce((total, label) => total + label, 0);
      for (const [i, label] of one.entries()) one[i] = label / sum;
    }
  }
  return { count, samples, labels };
}

const output = {
  mse: fc.constantFrom('linear' as const, 'tanh' as const, 'sigmoid' as const),
  'binary-cross-entropy': fc.constant('sigmoid' as const),
  'cross-entropy': fc.constant('softmax' as const),
};
const shapes: fc.Arbitrary<ModelShape> = fc
  .constantFrom('mse' as const, 'binary-cross-entropy' as const, 'cross-entropy' as const)
  .chain((loss) =>
    fc.record({
      inputs: fc.integer({ min: 1, max: 4 }),
      layers: fc
        .tuple(
          fc.array(
            fc.record({
              units: fc.integer({ min: 1, max: 4 }),
              // relu has a kink, where no difference quotient is its slope: tested below
              activation: fc.constantFrom('tanh' as const, 'sigmoid' as const, 'linear' as const),
            }),
            { maxLength: 3 },
          ),
          fc.record({ units: fc.integer({ min: 2, max: 4 }), activation: output[loss] }),
        )
        .map(([hidden, last]) => [...hidden, last]),
      loss: fc.constant(loss),
    }),
  );

function checkGradient(shape: ModelShape, rows: Rows, weights: Float64Array): void {
  const network = new Network(shape);
  const gradient = new Float64Array(network.parameters);
  const loss = network.gradient(weights, rows, gradient);
  if (Math.abs(loss - network.loss(weights, rows)) > 1e-12) throw new Error('the two losses differ');
  const step = 1e-5;
  for (let i = 0; i < weights.length; i++) {
    const at = (by: number) =>
      network.loss(
        weights.map((weight, index) => (index === i ? weight + by : weight)),
        rows,
      );
    const numerical = (at(step) - at(-step)) / (2 * step);
    const given = gradient[i] ?? NaN;
    if (!(Math.abs(numerical - given) <= 1e-7 + 1e-5 * Math.abs(numerical)))
      throw new Error(`parameter ${i}: ${given}, numerically ${numerical}`);
  }
}

t.test('the gradient is that of the loss, for every activation and loss', (t) => {
  fc.assert(
    fc.property(shapes, fc.integer(), fc.integer({ min: 1, max: 4 }), (shape, seed, count) => {
      const weights = initialWeights(shape, seed);
      checkGradient(shape, randomRows(shape, count, seed + 1), weights);
    }),
    { numRuns: 150 },
  );
  t.end();
});

t.test('relu passes the gradient of what is above 0 and stops the rest', (t) => {
  const shape: ModelShape = {
    inputs: 1,
    layers: [
      { units: 2, activation: 'relu' },
      { units: 1, activation: 'linear' },
    ],
    loss: 'mse',
  };
  // one unit at 2, one at -2; output 3 * 2 + 5 * 0 + 1 = 7, wanted 4: slope 2 * 3 = 6
  const weights = Float64Array.of(2, -2, 0, 0, 3, 5, 1);
  const gradient = new Float64Array(7);
  const rows = { count: 1, samples: Float64Array.of(1), labels: Float64Array.of(4) };
  t.equal(new Network(shape).gradient(weights, rows, gradient), 9);
  t.strictSame([...gradient], [18, 0, 18, 0, 12, 0, 6]);
  const relu: ModelShape = {
    ...shape,
    inputs: 3,
    layers: [
      { units: 5, activation: 'relu' },
      { units: 4, activation: 'relu' },
      { units: 2, activation: 'linear' },
    ],
  };
  checkGradient(relu, randomRows(relu, 3, 5), initialWeights(relu, 7));
  t.end();
});

t.test('losses of hand-made outputs, also where a logarithm of 0 would be', (t) => {
  const one = (loss: ModelShape['loss'], activation: 'sigmoid' | 'softmax', units: number) =>
    new Network({ inputs: 1, layers: [{ units, activation }], loss });
  const rows = (labels: number[]) => ({
    count: 1,
    samples: Float64Array.of(1),
    labels: Float64Array.from(labels),
  });
  const binary = one('binary-cross-entropy', 'sigmoid', 1);
  t.equal(binary.loss(Float64Array.of(0, 0), rows([1])), Math.LN2);
  t.equal(binary.loss(Float64Array.of(1000, 0), rows([0])), 1000);
  t.equal(binary.loss(Float64Array.of(-1000, 0), rows([1])), 1000);
  const classes = one('cross-entropy', 'softmax', 3);
  t.ok(Math.abs(classes.loss(new Float64Array(6), rows([0, 1, 0])) - Math.log(3)) < 1e-15);
  t.equal(classes.loss(Float64Array.of(1000, 0, 0, 0, 0, 0), rows([0, 1, 0])), 1000);
  t.end();
});

t.test('the first weights come from the seed and lie within their bounds', (t) => {
  const shape: ModelShape = {
    inputs: 6,
    layers: [
      { units: 50, activation: 'relu' },
      { units: 50, activation: 'tanh' },
    ],
    loss: 'mse',
  };
  const weights = initialWeights(shape, 3);
  t.equal(weights.length, parameterCount(shape));
  t.strictSame(initialWeights(shape, 3), weights);
  t.notSame(initialWeights(shape, 4), weights);
  const most = (from: number, to: number) =>
    weights.subarray(from, to).reduce((largest, weight) => Math.max(largest, Math.abs(weight)), 0);
  t.ok(most(0, 300) <= 1 && most(0, 300) > 0.95, 'relu: the square root of 6 / 6');
  t.equal(most(300, 350), 0, 'no biases');
  const limit = Math.sqrt(6 / 100);
  t.ok(most(350, 2850) <= limit && most(350, 2850) > 0.95 * limit, 'tanh: the square root of 6 / 100');
  t.end();
});
