import type { TaskRequest } from '../client/task.js';
import { renameResults } from '../tasks/results-in-inputs.js';
import type { BatchTask } from './input/batch-task.js';

/** A line whose needed line was not accepted. */
export class NeedRefused extends Error {
  override readonly name = 'NEED_REFUSED';
}

interface Awaited {
  readonly taskId: Promise<string>;
  readonly settle: (taskId: string | null) => void;
}

/** From the names that lines of a batch have for each other to the ids of their tasks, as these become known. */
export class BatchNeeds {
  readonly #lines = new Map<string, Awaited>();

  constructor(
    /** Needs that are ids of tasks as they are. */
    readonly outside: ReadonlySet<string>,
  ) {}

  /** The line has become a task, or was refused (null). */
  settle({ id }: BatchTask, taskId: string | null): void {
    if (id !== undefined) this.#of(id).settle(taskId);
  }

  /** Whether a line has to wait for others. */
  waits({ needs = [] }: BatchTask): boolean {
    return needs.some((name) => !this.outside.has(name));
  }

  /**
   * The request with ids in the place of names, once they are known.
   * @throws NeedRefused when one of the lines it needs was not accepted
   */
  async resolve({ id: _id, needs = [], ...task }: BatchTask): Promise<TaskRequest> {
    if (needs.length === 0) return task;
    const ids = new Map<string, string>();
    for (const name of needs) {
      ids.set(name, this.outside.has(name) ? name : await this.#of(name).taskId);
    }
    const input = renameResults(task.input, (name) => ids.get(name));
    return { ...task, input, needs: [...new Set(ids.values())] };
  }

  #of(name: string): Awaited {
    let line = this.#lines.get(name);
    if (line === undefined) {
      let settle: Awaited['settle'] = () => undefined;
      const taskId = new Promise<string>((resolve, reject) => {
        settle = (accepted) => {
          if (accepted !== null) resolve(accepted);
          else reject(new NeedRefused(`line '${name}', which it needs, was refused`));
        };
      });
      // nobody may need it
      taskId.catch(() => undefined);
      line = { taskId, settle };
      this.#lines.set(name, line);
    }
    return line;
  }
}
