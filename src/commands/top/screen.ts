const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

/** A terminal to draw on. */
export interface ScreenOutput {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** A keyboard; raw while the screen is open, so that keys come at once and are not shown. */
export interface ScreenInput {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  on(event: 'data', listener: (data: Buffer) => void): unknown;
  off(event: 'data', listener: (data: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/**
 * The alternate screen of a terminal, which leaves what was there untouched. Close it in every case: also a process that
 * fails must give the terminal back.
 */
export class Screen {
  readonly #output: ScreenOutput;
  readonly #input: ScreenInput;
  readonly #listener: (data: Buffer) => void;
  readonly #closeAtExit = () => this.close();
  #open = true;

  /** `onKeys` gets what was typed, as the terminal sends it: `q`, `\x03`, `\x1b[A`. */
  constructor(output: ScreenOutput, input: ScreenInput, onKeys: (keys: string) => void) {
    this.#output = output;
    this.#input = input;
    this.#listener = (data) => onKeys(data.toString('latin1'));
    process.once('exit', this.#closeAtExit);
    output.write(ENTER);
    if (input.isTTY === true) {
      input.setRawMode?.(true);
      input.on('data', this.#listener);
      input.resume();
    }
  }

  get width(): number {
    return this.#output.columns ?? 80;
  }

  get height(): number {
    return this.#output.rows ?? 24;
  }

  /** Shows these lines and nothing else. Each is overwritten in place, so nothing flickers. */
  paint(lines: readonly string[]): void {
    if (this.#open) this.#output.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    process.off('exit', this.#closeAtExit);
    if (this.#input.isTTY === true) {
      this.#input.off('data', this.#listener);
      this.#input.setRawMode?.(false);
      this.#input.pause();
    }
    this.#output.write(LEAVE);
  }
}
