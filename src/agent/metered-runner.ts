import { Buckets, LATENCY_BOUNDS_MS } from '../observe/metrics/buckets.js';
import { MetersByKind } from '../observe/metrics/meters-by-kind.js';
import type { AgentKindFigures } from '../observe/metrics/agent-metrics.js';
import type { Run, RunListener, RunRequest, TaskRunner } from './runner.js';

type KindMeter = { -readonly [K in keyof AgentKindFigures]: AgentKindFigures[K] };

/** A runner that counts what its runs come to. Aborted ones are not counted. */
export class MeteredRunner implements TaskRunner {
  readonly #runner: TaskRunner;
  readonly #kinds = new MetersByKind(newMeter);

  constructor(runner: TaskRunner) {
    this.#runner = runner;
  }

  get ownKinds(): readonly string[] {
    return this.#runner.ownKinds;
  }

  figures(): readonly AgentKindFigures[] {
    return this.#kinds.all;
  }

  start(request: RunRequest, listener: RunListener): Run {
    const { kind } = request;
    return this.#runner.start(request, {
      progress: (fraction, note) => listener.progress(fraction, note),
      finished: (outcome) => {
        if (outcome.outcome !== 'aborted') {
          const meter = this.#kinds.of(kind);
          meter[outcome.outcome]++;
          meter.run.observe(outcome.runMs);
        }
        listener.finished(outcome);
      },
    });
  }
}

function newMeter(kind: string): KindMeter {
  return { kind, completed: 0, failed: 0, run: new Buckets(LATENCY_BOUNDS_MS) };
}
