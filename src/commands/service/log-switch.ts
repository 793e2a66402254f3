import type { Logger } from 'pino';
import type { LogLevel } from '../../protocol/messages.js';

/** Changes what a running daemon logs. SIGUSR2 takes it to `debug`, and the next one back. */
export interface LogSwitch {
  /** `by`: who wants it, for the log. */
  set(level: LogLevel, by: string): void;
  stop(): void;
}

/** From now on SIGUSR2 does not end the process. Where `debug` or `trace` is what it was started with, `info` is the other one. */
export function onLogSignal(log: Logger, started: LogLevel): LogSwitch {
  const talkative = started === 'debug' || started === 'trace';
  const [usual, other] = talkative ? [started, 'info' as const] : [started, 'debug' as const];
  const set = (level: LogLevel, by: string) => {
    const tell = () => log.info({ logLevel: level, before, by }, 'log level changed');
    const before = log.level;
    const isTold = log.isLevelEnabled('info');
    if (isTold) tell();
    log.level = level;
    if (!isTold) tell();
  };
  const toggle = () => set(log.level === other ? usual : other, 'SIGUSR2');
  process.on('SIGUSR2', toggle);
  return { set, stop: () => void process.off('SIGUSR2', toggle) };
}
