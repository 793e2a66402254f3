import t from 'tap';
import { decodeValue, encodeValue } from '../../../src/protocol/value.js';
import { TaskInputError } from '../../../src/tasks/kind.js';
import { parseNeuralTrainingInput } from '../../../src/tasks/neural-training/input.js';

const VALID = {
  model: {
    inputs: 2,
    layers: [
      { units: 3, activation: 'tanh' },
      { units: 1, activation: 'sigmoid' },
    ],
    loss: 'binary-cross-entropy',
  },
  optimizer: { name: 'adam', learningRate: 0.01 },
  samples: [[0, 0], [0, 1], [1, 0], [1, 1]], // prettier-ignore
  labels: [[0], [1], [1], [0]],
  epochs: 5,
  batchSize: 4,
  mode: 'sync',
  seed: 1,
};
const layers = (...activations: string[]) => activations.map((activation) => ({ units: 2, activation }));

/** What to change, and where and how that is refused. */
const FAULTS: readonly (readonly [string, unknown, string, RegExp])[] = [
  ['not an object', [], '', /must be an object/],
  ['an unknown field', { ...VALID, epoch: 5 }, 'epoch', /not a known field/],
  ['no model', { ...VALID, model: null }, 'model', /missing/],
  ['no inputs', { ...VALID, model: { ...VALID.model, inputs: 0 } }, 'model.inputs', /from 1/],
  ['no layers', { ...VALID, model: { ...VALID.model, layers: [] } }, 'model.layers', /empty/],
  ['a layer without units', { ...VALID, model: { ...VALID.model, layers: [{ units: 0, activation: 'tanh' }] } }, 'model.layers[0].units', /from 1/], // prettier-ignore
  ['an unknown activation', { ...VALID, model: { ...VALID.model, layers: layers('gelu') } }, 'model.layers[0].activation', /one of 'relu'/], // prettier-ignore
  ['an unknown loss', { ...VALID, model: { ...VALID.model, loss: 'hinge' } }, 'model.loss', /one of/],
  ['a loss for another output', { ...VALID, model: { ...VALID.model, layers: layers('tanh') } }, 'model.layers[0].activation', /must be 'sigmoid'/], // prettier-ignore
  ['softmax in the middle', { ...VALID, model: { ...VALID.model, loss: 'cross-entropy', layers: layers('softmax', 'softmax') } }, 'model.layers[0].activation', /last layer/], // prettier-ignore
  ['too many parameters', { ...VALID, model: { ...VALID.model, layers: [{ units: 90_000, activation: 'tanh' }, { units: 90_000, activation: 'sigmoid' }] } }, 'model.layers', /at most/], // prettier-ignore
  ['an unknown optimiser', { ...VALID, optimizer: { name: 'lbfgs' } }, 'optimizer.name', /one of/],
  ['momentum for adam', { ...VALID, optimizer: { name: 'adam', momentum: 0.9 } }, 'optimizer.momentum', /not a known/], // prettier-ignore
  [
    'a rate of 0',
    { ...VALID, optimizer: { name: 'sgd', learningRate: 0 } },
    'optimizer.learningRate',
    /is 0/,
  ],
  ['a rate of NaN', { ...VALID, optimizer: { name: 'sgd', learningRate: NaN } }, 'optimizer.learningRate', /number/], // prettier-ignore
  ['momentum 1', { ...VALID, optimizer: { name: 'sgd', momentum: 1 } }, 'optimizer.momentum', /below 1/],
  ['no samples', { ...VALID, samples: [] }, 'samples', /empty/],
  ['samples that are no list', { ...VALID, samples: 'x' }, 'samples', /list/],
  ['a ragged sample', { ...VALID, samples: [[0, 0], [0], [1, 0], [1, 1]] }, 'samples[1]', /has 1 numbers; model.inputs is 2/], // prettier-ignore
  ['an empty sample', { ...VALID, samples: [[0, 0], [], [1, 0], [1, 1]] }, 'samples[1]', /has 0 numbers/],
  [
    'NaN in a sample',
    {
      ...VALID,
      samples: [
        [0, 0],
        [0, 1],
        [1, NaN],
        [1, 1],
      ],
    },
    'samples[2][1]',
    /finite/,
  ],
  ['Infinity in a sample', { ...VALID, samples: [[0, 0], [0, 1], [1, 0], [Infinity, 1]] }, 'samples[3][0]', /finite/], // prettier-ignore
  ['too few labels', { ...VALID, labels: [[0]] }, 'labels', /has 1 elements; there are 4 samples/],
  ['a label of the wrong length', { ...VALID, labels: [[0], [1, 1], [1], [0]] }, 'labels[1]', /1 units/],
  ['a label out of range', { ...VALID, labels: [[0], [1], [2], [0]] }, 'labels[2][0]', /from 0 to 1/],
  ['a class that does not exist', { ...VALID, model: { ...VALID.model, loss: 'cross-entropy', layers: layers('softmax') }, labels: [0, 1, 2, 0] }, 'labels[2]', /from 0 to 1/], // prettier-ignore
  ['no distribution', { ...VALID, model: { ...VALID.model, loss: 'cross-entropy', layers: layers('softmax') }, labels: [[0, 1], [1, 1], [1, 0], [1, 0]] }, 'labels[1]', /sums to 2/], // prettier-ignore
  ['no epochs', { ...VALID, epochs: 0 }, 'epochs', /from 1/],
  ['half a batch', { ...VALID, batchSize: 1.5 }, 'batchSize', /integer/],
  ['an unknown mode', { ...VALID, mode: 'hogwild' }, 'mode', /'sync', 'async'/],
  ['a negative seed', { ...VALID, seed: -1 }, 'seed', /from 0/],
  ['an unknown compression', { ...VALID, compression: 'gzip' }, 'compression.name', /one of/],
  ['a fraction for float16', { ...VALID, compression: { name: 'float16', fraction: 0.1 } }, 'compression.fraction', /not a known/], // prettier-ignore
  ['top-0', { ...VALID, compression: { name: 'top-k', fraction: 0 } }, 'compression.fraction', /is 0/],
];

t.test('each fault is named with its path', (t) => {
  for (const [what, input, path, text] of FAULTS) {
    try {
      parseNeuralTrainingInput(input);
      t.fail(`${what} is refused`);
    } catch (error) {
      if (!(error instanceof TaskInputError)) throw error;
      t.equal(error.path, path, what);
      t.match(error.problem, text, what);
    }
  }
  t.end();
});

t.test('what is checked passes again, also over the wire', (t) => {
  const parsed = parseNeuralTrainingInput(VALID);
  t.strictSame(parseNeuralTrainingInput(parsed), parsed);
  t.strictSame(parseNeuralTrainingInput(decodeValue(encodeValue(parsed))), parsed);
  t.match(parsed, { shards: 4, shuffle: true, compression: { name: 'float32' }, maxStaleness: 4 });
  t.end();
});

t.test('bare labels are values of one output or indices of classes', (t) => {
  t.strictSame(
    parseNeuralTrainingInput({ ...VALID, labels: [0, 1, 1, 0] }).labels,
    parseNeuralTrainingInput(VALID).labels,
  );
  const model = { ...VALID.model, loss: 'cross-entropy', layers: layers('softmax') };
  const { labels } = parseNeuralTrainingInput({ ...VALID, model, labels: [0, 1, 1, 0] });
  t.strictSame(labels.map((label) => [...label]), [[1, 0], [0, 1], [0, 1], [1, 0]]); // prettier-ignore
  t.end();
});
