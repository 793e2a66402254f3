import { InterruptedError } from './exit.js';

export interface Interrupts {
  /** Aborted with an InterruptedError by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  stop(): void;
}

/** Lets a command end in an orderly way when it is interrupted; a second signal ends the process at once. */
export function onInterrupt(): Interrupts {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new InterruptedError());
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  return {
    signal: controller.signal,
    stop: () => void process.off('SIGINT', interrupt).off('SIGTERM', interrupt),
  };
}
