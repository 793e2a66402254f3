import { Cron } from 'croner';

/** What is wrong with a cron expression or a time zone. */
export class CronProblem extends Error {
  override readonly name = 'CronProblem';
  constructor(
    readonly field: 'cron' | 'timeZone',
    message: string,
  ) {
    super(message);
  }
}

/**
 * The times that a cron expression names in a time zone. Five parts (minute, hour, day, month, weekday) or six (second
 * first), or `@daily` and its like. A time that the change to summer time leaves out is moved to the end of the gap, one that comes
 * twice counts once. No clock in it: the same question has the same answer.
 */
export class CronTimes {
  readonly #cron: Cron;

  /** @throws CronProblem when it cannot be read */
  constructor(cron: string, timeZone: string) {
    try {
      new Intl.DateTimeFormat('en', { timeZone });
    } catch {
      throw new CronProblem('timeZone', `'${timeZone}' is not a time zone (such as Europe/Berlin or UTC)`);
    }
    const parts = cron.trim().split(/\s+/).length;
    const wanted = 'five parts (minute hour day month weekday) are wanted, such as */5 * * * *';
    if (!cron.startsWith('@') && parts !== 5 && parts !== 6) {
      throw new CronProblem('cron', `'${cron}' is not a cron expression: ${wanted}`);
    }
    try {
      // without a function it starts no timer
      this.#cron = new Cron(cron, { timezone: timeZone, paused: true });
    } catch (error) {
      const why = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error);
      throw new CronProblem('cron', `'${cron}' is not a cron expression: ${why}`);
    }
  }

  /** The first time after `after`, or null. */
  next(after: number): number | null {
    return this.#cron.nextRun(new Date(after))?.getTime() ?? null;
  }

  /** The last time not after `now`, or null. */
  latest(now: number): number | null {
    return this.#cron.previousRuns(1, new Date(now + 1))[0]?.getTime() ?? null;
  }
}

/** For an expression that is new: it has to name a time after `now`. @throws CronProblem */
export function newCronTimes(cron: string, timeZone: string, now: number): CronTimes {
  const times = new CronTimes(cron, timeZone);
  if (times.next(now) === null) throw new CronProblem('cron', `'${cron}' names no time to come`);
  return times;
}
