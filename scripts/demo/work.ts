import type { Client, TaskRequest } from '../../src/index.js';
import { CommandError, EXIT } from '../../src/commands/exit.js';

/** Where the steps of the demo have their work done. */
export interface Work {
  readonly client: Client;
  /** Aborted when the demo is interrupted. */
  readonly signal: AbortSignal;
}

export interface Done<Result> {
  readonly taskId: string;
  readonly result: Result;
  /** From being asked for to its result. Milliseconds. */
  readonly tookMs: number;
}

class TaskNotCompleted extends CommandError {
  readonly status = EXIT.failed;
}

/** Has one task done. `Result` is what its kind returns. @throws CommandError when it ends otherwise than completed. */
export async function have<Result>({ client, signal }: Work, request: TaskRequest): Promise<Done<Result>> {
  const started = performance.now();
  const { taskId, state, result, error } = await client.run(request, { signal });
  if (state !== 'completed') {
    const reason = error === null ? '' : `: ${error.message}`;
    throw new TaskNotCompleted(`a task ${request.kind} ended ${state}${reason}`);
  }
  return { taskId, result: result as Result, tookMs: performance.now() - started };
}
