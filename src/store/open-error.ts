/**
 * Why a store could not be opened.
 * `NEWER`: written by a newer version. `FOREIGN`: another program's database. `DAMAGED`: not readable as a database.
 * `LOCKED`: in use. `UNWRITABLE`: the directory or a file in it cannot be made or written. `FULL`: no room.
 * `UNAVAILABLE`: anything else.
 */
export type StoreOpenReason =
  'NEWER' | 'FOREIGN' | 'DAMAGED' | 'LOCKED' | 'UNWRITABLE' | 'FULL' | 'UNAVAILABLE';

/** A store could not be opened; nothing was changed. The message is one line that names the file and says what to do. */
export class StoreOpenError extends Error {
  override readonly name = 'StoreOpenError';
  constructor(
    readonly reason: StoreOpenReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
