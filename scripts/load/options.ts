import { parseArgs } from 'node:util';

export interface NamedProcess {
  readonly name: string;
  readonly pid: number;
}

/** What the driver measures, and against whom. Times in milliseconds. */
export interface LoadOptions {
  readonly address: string;
  /** PEM file of the coordinator's authority. */
  readonly ca: string;
  readonly agents: number;
  /** The load ends with whichever comes first. */
  readonly tasks: number;
  readonly durationMs: number;
  readonly ratePerSecond: number;
  /** Epoch milliseconds at which the agents were started. */
  readonly startedAt: number;
  /** Resident memory of the coordinator before the first agent came. */
  readonly baselineBytes: number;
  readonly registerWithinMs: number;
  /** Agents are left alone this long before the load, to see what they cost. */
  readonly idleMs: number;
  /** The coordinator first. */
  readonly processes: readonly NamedProcess[];
  /** Percent that memory and handles of a process may grow under load; null: as they like. */
  readonly maxGrowth: number | null;
  readonly json: boolean;
}

/** @throws Error whose message is fit for the user */
export function parseLoadOptions(args: readonly string[]): LoadOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      connect: { type: 'string' },
      ca: { type: 'string' },
      agents: { type: 'string' },
      tasks: { type: 'string' },
      rate: { type: 'string' },
      duration: { type: 'string' },
      'started-at': { type: 'string' },
      'baseline-kb': { type: 'string' },
      'register-within': { type: 'string', default: '60s' },
      idle: { type: 'string', default: '0s' },
      process: { type: 'string', multiple: true, default: [] },
      'max-growth': { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const given = (name: 'connect' | 'ca') => {
    const text = values[name];
    if (text === undefined) throw new Error(`--${name}: is missing`);
    return text;
  };
  const number = (name: 'agents' | 'tasks' | 'rate' | 'started-at' | 'baseline-kb') =>
    parseCount(`--${name}`, values[name] ?? '');
  return {
    address: given('connect'),
    ca: given('ca'),
    agents: number('agents'),
    tasks: number('tasks'),
    ratePerSecond: number('rate'),
    durationMs: parseTime('--duration', values.duration ?? ''),
    startedAt: number('started-at'),
    baselineBytes: number('baseline-kb') * 1024,
    registerWithinMs: parseTime('--register-within', values['register-within']),
    idleMs: parseTime('--idle', values.idle),
    processes: values.process.map(parseProcess),
    maxGrowth: values['max-growth'] === undefined ? null : parseCount('--max-growth', values['max-growth']),
    json: values.json,
  };
}

function parseCount(flag: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && Number.isSafeInteger(value)) return value;
  throw new Error(`${flag}: '${text}' is not a whole number of at least 1`);
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function parseTime(flag: string, text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const factor = UNITS_MS[unit];
  if (factor !== undefined) return Number(amount) * factor;
  throw new Error(`${flag}: '${text}' is not a duration (such as 500ms, 10s, 5m, 1h)`);
}

function parseProcess(text: string): NamedProcess {
  const [, name = '', pid = ''] = /^([\w-]+)=(\d+)$/.exec(text) ?? [];
  if (name === '') throw new Error(`--process: '${text}' is not NAME=PID`);
  return { name, pid: Number(pid) };
}
