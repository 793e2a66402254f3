import { createContext, Script } from 'node:vm';
import type { Clock } from '../observe/clock.js';
import { isRecord } from '../tasks/checks.js';
import { errorDetailOf } from '../tasks/failure.js';

export interface OwnFunctionLimits {
  /** For what the function promises. Milliseconds. */
  readonly withinMs: number;
  /** Until it returns: nothing else runs on this thread meanwhile. Milliseconds; default 250. */
  readonly returnsWithinMs?: number;
  /** What it has promised and not kept; further calls are refused. Default 64. */
  readonly maxUnderWay?: number;
}

/** After a call that had to be broken off, nobody calls it for so long: it must not stand in the way of all else. */
const REST_MS = 60_000;

/**
 * A function of the user's that runs on this thread. A call that does not return in time is broken off, a promise that is
 * not kept in time is no longer waited for. (What it does after its first `await` cannot be broken off.)
 */
export class OwnFunction<Parameters extends readonly unknown[]> {
  readonly #name: string;
  readonly #call: (...parameters: Parameters) => unknown;
  readonly #limits: Required<OwnFunctionLimits>;
  readonly #clock: Clock;
  /** Of a context: its time limit ends whatever the script has called, wherever that was defined. */
  readonly #sandbox: { call: (() => unknown) | null } = { call: null };
  readonly #underWay = new Set<() => void>();
  #restsUntil = -Infinity;

  constructor(
    name: string,
    call: (...parameters: Parameters) => unknown,
    limits: OwnFunctionLimits,
    clock: Clock,
  ) {
    this.#name = name;
    this.#call = call;
    this.#limits = { returnsWithinMs: 250, maxUnderWay: 64, ...limits };
    this.#clock = clock;
    createContext(this.#sandbox);
  }

  /** What it returns, or promises. @throws Error with one sentence: what it threw, or which limit it ran into. */
  async call(...parameters: Parameters): Promise<unknown> {
    const { withinMs, maxUnderWay } = this.#limits;
    if (this.#clock.now() < this.#restsUntil) {
      throw new Error(`the ${this.#name} is not asked: its last call had to be broken off`);
    }
    if (this.#underWay.size >= maxUnderWay) {
      throw new Error(`the ${this.#name} has ${maxUnderWay} answers outstanding: no more are asked for`);
    }
    let giveUp = () => {};
    const patience = new Promise<never>((_, reject) => {
      giveUp = () => reject(new Error(`the ${this.#name} gave no answer within ${withinMs} ms`));
    });
    const cancel = this.#clock.setTimer(this.#clock.now() + withinMs, giveUp);
    this.#underWay.add(giveUp);
    try {
      return await Promise.race([this.#run(parameters), patience]);
    } catch (thrown) {
      throw new Error(errorDetailOf(thrown).message, { cause: thrown });
    } finally {
      cancel();
      this.#underWay.delete(giveUp);
    }
  }

  /** Nothing is waited for any more. */
  close(): void {
    for (const giveUp of this.#underWay) giveUp();
  }

  #run(parameters: Parameters): unknown {
    const { returnsWithinMs } = this.#limits;
    this.#sandbox.call = () => this.#call(...parameters);
    try {
      return CALL.runInContext(this.#sandbox, { timeout: returnsWithinMs });
    } catch (thrown) {
      if (!isBrokenOff(thrown)) throw thrown;
      this.#restsUntil = this.#clock.now() + REST_MS;
      throw new Error(`the ${this.#name} did not return within ${returnsWithinMs} ms and was broken off`, {
        cause: thrown,
      });
    } finally {
      this.#sandbox.call = null;
    }
  }
}

const CALL = new Script('call()');

/** It comes from the context, and is no Error of this one. */
function isBrokenOff(thrown: unknown): boolean {
  return isRecord(thrown) && thrown['code'] === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}
