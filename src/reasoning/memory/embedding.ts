import type { Context } from '../experience.js';
import { normalized } from '../unit-vector.js';

/** Length of the vectors. */
export const DIMENSIONS = 64;

/**
 * A vector for a kind of task and its context, of length 1: the more alike the circumstances, the larger the cosine.
 * Feature hashing (Weinberger et al. 2009): each feature is hashed to one of 64 components and a sign.
 *
 * - The kind is a feature of weight 2, so that other kinds are far away.
 * - A text, a boolean or null is the feature `name=value` of weight 1.
 * - A number is two features that share a weight of 1: the powers of two on both sides of it, each the more the nearer it
 *   is (on the logarithmic scale). So close numbers have close vectors, and 100 and 1,000 have nothing in common but the name,
 *   which is a feature of weight 1/2.
 */
export function embed(kind: string, context: Context): Float32Array {
  const vector = new Float32Array(DIMENSIONS);
  addFeature(vector, `kind:${kind}`, 2);
  for (const name of Object.keys(context)) {
    const value = context[name];
    if (value === undefined) continue;
    if (typeof value === 'number') addNumber(vector, name, value);
    else addFeature(vector, `${name}=${String(value)}`, 1);
  }
  return normalized(vector);
}

function addNumber(vector: Float32Array, name: string, value: number): void {
  addFeature(vector, `name:${name}`, 0.5);
  // log2 of 1 + size: 0 at zero, without a gap around it
  const magnitude = Math.log2(1 + Math.abs(value));
  const below = Math.floor(magnitude);
  const above = magnitude - below;
  const sign = value < 0 ? '-' : '';
  addFeature(vector, `${name}=${below === 0 ? '' : sign}^${below}`, 1 - above);
  if (above > 0) addFeature(vector, `${name}=${sign}^${below + 1}`, above);
}

function addFeature(vector: Float32Array, feature: string, weight: number): void {
  const hash = hashOf(feature);
  const index = hash % DIMENSIONS;
  vector[index] = (vector[index] ?? 0) + (hash & 0x80000000 ? -weight : weight);
}

/** FNV-1a over UTF-16 code units, with the finaliser of MurmurHash3: 32 bits, all of which depend on all input. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
