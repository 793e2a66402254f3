/** For the log, when a reload has failed. */
export const NOT_RELOADED = 'nothing was reloaded: certificates and tokens stay as they were';

/** SIGHUP: read files again. */
export interface Hangups {
  /**
   * Runs `reload` for each SIGHUP, those before this call among them; never two at once, and several that come while one
   * runs are one. `reload` must not reject.
   */
  handle(reload: () => Promise<void>): void;
  /** Nothing is read again from now on, for a process that is ending; SIGHUP still does not end it sooner. */
  ignore(): void;
  stop(): void;
}

/** From now on SIGHUP does not end the process. */
export function onHangup(): Hangups {
  let action: (() => Promise<void>) | null = null;
  let asked = false;
  let busy = false;
  const next = () => {
    if (!asked || busy || action === null) return;
    asked = false;
    busy = true;
    void action().finally(() => {
      busy = false;
      next();
    });
  };
  const hangup = () => {
    asked = true;
    next();
  };
  process.on('SIGHUP', hangup);
  return {
    handle(reload) {
      action = reload;
      next();
    },
    ignore() {
      action = null;
    },
    stop() {
      action = null;
      process.off('SIGHUP', hangup);
    },
  };
}
