import { Buckets, LATENCY_BOUNDS_MS } from '../observe/metrics/buckets.js';
import { MetersByKind } from '../observe/metrics/meters-by-kind.js';
import type { AgentKindFigures } from '../observe/metrics/agent-metrics.js';
import type { RunOutcome } from './outcome.js';
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
    return this.#runner.start(request, new CountedRun(request.kind, this.#kinds, listener));
  }
}

class CountedRun implements RunListener {
  readonly #kind: string;
  readonly #kinds: MetersByKind<KindMeter>;
  readonly #listener: RunListener;

  constructor(kind: string, kinds: MetersByKind<KindMeter>, listener: RunListener) {
    this.#kind = kind;
    this.#kinds = kinds;
    this.#listener = listener;
  }

  progress(fraction: number, note?: string): void {
    this.#listener.progress(fraction, note);
  }

  finished(outcome: RunOutcome): void {
    if (outcome.outcome !== 'aborted') {
      const meter = this.#kinds.of(this.#kind);
      meter[outcome.outcome]++;
      meter.run.observe(outcome.runMs);
    }
    this.#listener.finished(outcome);
  }
}

function newMeter(kind: string): KindMeter {
  return { kind, completed: 0, failed: 0, run: new Buckets(LATENCY_BOUNDS_MS) };
}
