/** A durable task queue with its server, one process of workers and a producer here; the work is to echo the input. */
export interface Contender {
  /** Submits a task and resolves with its result, when task and result have been stored. */
  run(input: string): Promise<string>;
  /** Ends every process that was started for it. */
  close(): Promise<void>;
}

/** Bytes of every task's input, and so of its result. */
export const INPUT_BYTES = 256;

/** Tasks that workers may have at once; more than any load has under way. */
export const WORKER_CREDIT = 4096;
