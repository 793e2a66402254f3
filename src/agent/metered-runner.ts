import { Buckets, LATENCY_BOUNDS_MS } from '../observe/metrics/buckets.js';
import type { AgentKindFigures } from '../observe/metrics/agent-metrics.js';
import type { Run, RunListener, RunRequest, TaskRunner } from './runner.js';

/** A coordinator may send any number of kinds; what is over this is counted as one. */
const MAX_COUNTED_KINDS = 64;
const OTHER_KINDS = 'other';

type KindMeter = { -readonly [K in keyof AgentKindFigures]: AgentKindFigures[K] };

/** A runner that counts what its runs come to. Aborted ones are not counted. */
export class MeteredRunner implements TaskRunner {
  readonly #runner: TaskRunner;
  readonly #kinds = new Map<string, KindMeter>();

  constructor(runner: TaskRunner) {
    this.#runner = runner;
  }

  get ownKinds(): readonly string[] {
    return this.#runner.ownKinds;
  }

  figures(): readonly AgentKindFigures[] {
    return [...this.#kinds.values()];
  }

  start(request: RunRequest, listener: RunListener): Run {
    const { kind } = request;
    return this.#runner.start(request, {
      progress: (fraction, note) => listener.progress(fraction, note),
      finished: (outcome) => {
        if (outcome.outcome !== 'aborted') {
          const meter = this.#of(kind);
          meter[outcome.outcome]++;
          meter.run.observe(outcome.runMs);
        }
        listener.finished(outcome);
      },
    });
  }

  #of(kind: string): KindMeter {
    const name = this.#kinds.has(kind) || this.#kinds.size < MAX_COUNTED_KINDS - 1 ? kind : OTHER_KINDS;
    const known = this.#kinds.get(name);
    if (known !== undefined) return known;
    const meter = { kind: name, completed: 0, failed: 0, run: new Buckets(LATENCY_BOUNDS_MS) };
    this.#kinds.set(name, meter);
    return meter;
  }
}
