import type { Answer } from '../../../src/agent/outbox.js';
import type { Log } from '../../../src/observe/log.js';

/** The answer of a completed task, with `bytes` of result. */
export function completed(taskId: string, bytes = 3, epoch = 1): Answer {
  const lease = { taskId, attempt: epoch, epoch };
  return {
    lease,
    message: { type: 'TaskCompletion', ...lease, outcome: 'completed', runMs: 1.5 },
    payload: new Uint8Array(bytes).fill(epoch),
  };
}

type Level = keyof Log;

export interface RecordingLog extends Log {
  lines(level: Level): string[];
  /** Resolves once a line of this level has been written. */
  next(level: Level): Promise<void>;
}

export function recordingLog(): RecordingLog {
  const lines: { readonly level: Level; readonly message: string }[] = [];
  const waiting: { readonly level: Level; readonly tell: () => void }[] = [];
  const write = (level: Level) => (_fields: object, message: string) => {
    lines.push({ level, message });
    for (const wait of waiting) if (wait.level === level) wait.tell();
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    lines: (wanted) => lines.filter(({ level }) => level === wanted).map(({ message }) => message),
    next: (level) => new Promise((tell) => waiting.push({ level, tell })),
  };
}
