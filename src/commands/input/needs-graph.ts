import { quote } from '../one-line.js';
import { BatchLineProblem, type BatchTask } from './batch-task.js';

/** What is wrong with the needs of a batch, and in which line. */
export interface GraphFault {
  readonly line: number;
  readonly problem: string;
}

interface Node {
  readonly line: number;
  readonly needs: readonly string[];
}

/** What tasks have as ids: `needs` that name no line of the batch and look so are tasks that exist already. */
const TASK_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Which lines of a batch need which others. Lines that neither have an `id` nor need anything take no memory. */
export class NeedsGraph {
  readonly #lineOf = new Map<string, number>();
  readonly #nodes = new Map<number, Node>();

  /** @throws BatchLineProblem when the line's id is taken */
  add(line: number, { id, needs = [] }: BatchTask): void {
    const taken = id === undefined ? undefined : this.#lineOf.get(id);
    if (id !== undefined && taken !== undefined)
      throw new BatchLineProblem(`id: ${quote(id)} is that of line ${String(taken)} already`);
    if (id !== undefined) this.#lineOf.set(id, line);
    if (needs.length > 0) this.#nodes.set(line, { line, needs });
  }

  /** The first need that nothing can be, or the first cycle; null when there is none. */
  fault(): GraphFault | null {
    for (const { line, needs } of this.#nodes.values()) {
      const unknown = needs.find((name) => !this.#lineOf.has(name) && !TASK_ID.test(name));
      if (unknown !== undefined) {
        return { line, problem: `needs: ${quote(unknown)} is neither the id of a line nor that of a task` };
      }
    }
    return this.#cycle();
  }

  /** Ids of tasks that exist already, which lines need. */
  outside(): string[] {
    const outside = new Set<string>();
    for (const { needs } of this.#nodes.values()) {
      for (const name of needs) if (!this.#lineOf.has(name)) outside.add(name);
    }
    return [...outside];
  }

  /** Depth first with a stack of its own: a chain may be as long as the batch. */
  #cycle(): GraphFault | null {
    const done = new Set<number>();
    for (const start of this.#nodes.values()) {
      if (done.has(start.line)) continue;
      const path: { readonly node: Node; next: number }[] = [{ node: start, next: 0 }];
      const onPath = new Set([start.line]);
      for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
        const name = top.node.needs[top.next++];
        if (name === undefined) {
          onPath.delete(top.node.line);
          done.add(top.node.line);
          path.pop();
          continue;
        }
        const line = this.#lineOf.get(name);
        if (line === undefined || done.has(line)) continue;
        if (onPath.has(line))
          return cycleOf(
            path.map(({ node }) => node),
            line,
          );
        const node = this.#nodes.get(line);
        if (node === undefined) continue;
        path.push({ node, next: 0 });
        onPath.add(line);
      }
    }
    return null;
  }
}

/** Lines that are named of a cycle. */
const NAMED = 5;

function cycleOf(path: readonly Node[], first: number): GraphFault {
  const lines = path.slice(path.findIndex(({ line }) => line === first)).map(({ line }) => line);
  if (lines.length === 1) return { line: first, problem: 'needs: the line needs itself' };
  const named = lines.slice(0, NAMED).map(String);
  const rest = lines.length > NAMED ? ['…'] : [];
  const round = [...named, ...rest, String(first)].join(' → ');
  return { line: first, problem: `needs: lines need each other in a circle (${round})` };
}
