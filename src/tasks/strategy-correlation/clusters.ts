import { at } from '../at.js';
import { cell, type Matrix } from './matrix.js';
import type { ClusterOptions, Method } from './options.js';
import type { Work } from './work.js';

export interface Clusters {
  readonly method: Method;
  readonly distance: ClusterOptions['distance'];
  readonly linkage: ClusterOptions['linkage'];
  /** Number of clusters. */
  readonly count: number;
  /** By strategy: its cluster, from 0, in order of first appearance. */
  readonly labels: Int32Array;
  /**
   * n - 1 rows [a, b, distance, size], by rising distance: clusters a < b become one of `size` strategies. Below n they are
   * strategies; n + i is the cluster that row i made.
   */
  readonly merges: readonly Float64Array[];
}

interface Merge {
  /** A strategy of each side. */
  readonly a: number;
  readonly b: number;
  readonly distance: number;
}

/** Nanoseconds for each pair of strategies. */
const COST_PER_PAIR = 30;

/**
 * Agglomerative hierarchical clustering by the chain of nearest neighbours in O(n²) (Murtagh 1983; Müllner 2011), cut
 * into `k` clusters or at `threshold`. A pair without a coefficient counts as uncorrelated.
 */
export function clusters(coefficients: Matrix, options: ClusterOptions, work: Work): Clusters {
  const { method, distance, linkage, k, threshold } = options;
  const size = coefficients.length;
  const merges = agglomerate(distances(coefficients, distance), size, linkage, work);
  // Stable: of equal distances the one found first comes first, and no cluster before its parts.
  merges.sort((a, b) => a.distance - b.distance);
  const kept = k === null ? merges.filter((merge) => merge.distance <= (threshold ?? 0)).length : size - k;
  return {
    method,
    distance,
    linkage,
    count: size - kept,
    labels: labelsAfter(merges.slice(0, kept), size),
    merges: linkageRows(merges, size),
  };
}

export function clustersCost(size: number): number {
  return size * size * COST_PER_PAIR;
}

/** sqrt(2 (1 - r)) is the Euclidean distance of standardised series of unit length (Mantegna 1999). */
function distances(coefficients: Matrix, distance: ClusterOptions['distance']): Float64Array {
  const size = coefficients.length;
  const result = new Float64Array(size * size);
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < size; b++) {
      const value = cell(coefficients, a, b);
      const r = Number.isNaN(value) ? 0 : value;
      result[a * size + b] = distance === 'correlation' ? Math.sqrt(2 * (1 - r)) : 1 - Math.abs(r);
    }
  }
  return result;
}

/** Merges in the order the chain finds them. Overwrites the distances. */
function agglomerate(
  distances: Float64Array,
  size: number,
  linkage: ClusterOptions['linkage'],
  work: Work,
): Merge[] {
  const members = new Float64Array(size).fill(1);
  const active = Array.from({ length: size }, (_, index) => index);
  const chain: number[] = [];
  const merges: Merge[] = [];
  while (active.length > 1) {
    const top = chain.at(-1) ?? active[0] ?? 0;
    if (chain.length === 0) chain.push(top);
    const previous = chain.at(-2);
    // Of equally near ones the previous wins: else the chain could go round in circles.
    let nearest = previous ?? -1;
    let least = previous === undefined ? Infinity : at(distances, top * size + previous);
    for (const other of active) {
      const distance = at(distances, top * size + other);
      if (other !== top && distance < least) {
        least = distance;
        nearest = other;
      }
    }
    work.add((active.length * COST_PER_PAIR) / 3);
    if (nearest !== previous) {
      chain.push(nearest);
      continue;
    }
    chain.length -= 2;
    const kept = Math.min(top, nearest);
    const gone = Math.max(top, nearest);
    merges.push({ a: kept, b: gone, distance: least });
    active.splice(active.indexOf(gone), 1);
    for (const other of active) {
      if (other === kept) continue;
      const distance = joined(
        linkage,
        at(distances, kept * size + other),
        at(distances, gone * size + other),
        at(members, kept),
        at(members, gone),
      );
      distances[kept * size + other] = distance;
      distances[other * size + kept] = distance;
    }
    members[kept] = at(members, kept) + at(members, gone);
  }
  return merges;
}

/** Distance to a cluster of two parts, from the distances to the parts (Lance & Williams 1967). */
function joined(
  linkage: ClusterOptions['linkage'],
  toA: number,
  toB: number,
  sizeA: number,
  sizeB: number,
): number {
  switch (linkage) {
    case 'average':
      return (sizeA * toA + sizeB * toB) / (sizeA + sizeB);
    case 'complete':
      return Math.max(toA, toB);
    case 'single':
      return Math.min(toA, toB);
  }
}

/** Disjoint sets of strategies, each known by one of them (Tarjan 1975). */
class Groups {
  readonly #parents: number[];
  constructor(size: number) {
    this.#parents = Array.from({ length: size }, (_, index) => index);
  }

  find(member: number): number {
    let root = member;
    for (let parent = this.#parents[root]; parent !== undefined && parent !== root;) {
      const above = this.#parents[parent] ?? parent;
      this.#parents[root] = above;
      root = parent;
      parent = above;
    }
    return root;
  }

  /** The second group joins the first. */
  join(a: number, b: number): void {
    this.#parents[this.find(b)] = this.find(a);
  }
}

function labelsAfter(merges: readonly Merge[], size: number): Int32Array {
  const groups = new Groups(size);
  for (const { a, b } of merges) groups.join(a, b);
  const numbers = new Map<number, number>();
  return Int32Array.from({ length: size }, (_, member) => {
    const root = groups.find(member);
    const number = numbers.get(root) ?? numbers.size;
    numbers.set(root, number);
    return number;
  });
}

function linkageRows(merges: readonly Merge[], size: number): Float64Array[] {
  const groups = new Groups(size);
  const clusterOf = new Map<number, { readonly id: number; readonly members: number }>();
  const of = (member: number) =>
    clusterOf.get(groups.find(member)) ?? { id: groups.find(member), members: 1 };
  return merges.map(({ a, b, distance }, row) => {
    const one = of(a);
    const other = of(b);
    const members = one.members + other.members;
    groups.join(a, b);
    clusterOf.set(groups.find(a), { id: size + row, members });
    return Float64Array.of(Math.min(one.id, other.id), Math.max(one.id, other.id), distance, members);
  });
}
