/** What an input can choose from, and what it then consists of. */

export const ACTIVATIONS = ['relu', 'tanh', 'sigmoid', 'linear', 'softmax'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

export const LOSSES = ['mse', 'binary-cross-entropy', 'cross-entropy'] as const;
export type Loss = (typeof LOSSES)[number];

export const OPTIMIZERS = ['sgd', 'adam'] as const;
export const MODES = ['sync', 'async'] as const;
export type Mode = (typeof MODES)[number];

export const COMPRESSIONS = ['float32', 'float16', 'top-k'] as const;

/** A dense layer: activation(W x + b). */
export interface LayerShape {
  readonly units: number;
  readonly activation: Activation;
}

export interface ModelShape {
  /** Numbers in one sample. */
  readonly inputs: number;
  /** At least one; the last one is the output. */
  readonly layers: readonly LayerShape[];
  readonly loss: Loss;
}

export type OptimizerOptions =
  | { readonly name: 'sgd'; readonly learningRate: number; readonly momentum: number }
  | {
      readonly name: 'adam';
      readonly learningRate: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
    };

/** How gradients travel. `fraction`: the part of them that top-k keeps. */
export type Compression =
  { readonly name: 'float32' | 'float16' } | { readonly name: 'top-k'; readonly fraction: number };
