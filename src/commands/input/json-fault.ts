/** Where a text stops being JSON. */
export interface JsonFault {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  readonly problem: string;
}

const WHITESPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[-+]?[A-Za-z_$][\w$]*/y;
// eslint-disable-next-line no-control-regex -- control characters are what may not stand in a JSON string
const STRING_PART = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})/y;

/**
 * Finds the first place where `text` is not JSON (RFC 8259), or null when it is. The engine's parser is fast but names
 * no line, and on some versions no place at all; this one is for telling a person where to look.
 */
export function findJsonFault(text: string): JsonFault | null {
  const scanner = new Scanner(text);
  try {
    scanner.document();
    return null;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const before = text.slice(0, error.offset);
    const lineStart = before.lastIndexOf('\n') + 1;
    return {
      line: before.split('\n').length,
      column: error.offset - lineStart + 1,
      problem: error.message,
    };
  }
}

class Fault extends Error {
  constructor(
    readonly offset: number,
    problem: string,
  ) {
    super(problem);
  }
}

class Scanner {
  private at = 0;

  constructor(private readonly text: string) {}

  /** Goes through the values with a stack of its own, so that deep nesting does not overflow ours. */
  document(): void {
    const open: ('[' | '{')[] = [];
    this.beforeValue(open);
    for (let container = open.at(-1); container !== undefined; container = open.at(-1)) {
      this.space();
      const close = container === '[' ? ']' : '}';
      const next = this.text[this.at];
      if (next === close) {
        this.at++;
        open.pop();
      } else if (next === ',') {
        this.at++;
        if (container === '{') this.key();
        this.beforeValue(open);
      } else {
        this.fail(`',' or '${close}' is missing`);
      }
    }
    this.space();
    if (this.at < this.text.length) this.fail('more text after the value');
  }

  /** Takes a scalar, or goes into containers until the first scalar or empty container. */
  private beforeValue(open: ('[' | '{')[]): void {
    for (;;) {
      this.space();
      const next = this.text[this.at];
      if (next !== '[' && next !== '{') {
        this.scalar();
        return;
      }
      this.at++;
      open.push(next);
      this.space();
      if (this.text[this.at] === (next === '[' ? ']' : '}')) return;
      if (next === '{') this.key();
    }
  }

  private key(): void {
    this.space();
    if (this.text[this.at] !== '"') this.fail('a name in double quotes is wanted');
    this.string();
    this.space();
    if (this.text[this.at] !== ':') this.fail("':' is missing");
    this.at++;
  }

  private scalar(): void {
    if (this.text[this.at] === '"') {
      this.string();
      return;
    }
    const word = this.peek(WORD);
    if (word === 'true' || word === 'false' || word === 'null') {
      this.at += word.length;
    } else if (word !== '') {
      this.fail(
        /^[-+]?(?:nan|inf(?:inity)?)$/i.test(word)
          ? `${word} is not a number of JSON`
          : `'${word.slice(0, 40)}' is no value`,
      );
    } else {
      const number = this.peek(NUMBER);
      if (number === '') this.fail('a value is missing');
      this.at += number.length;
      if (/[\w.+-]/.test(this.text[this.at] ?? '')) this.fail('is not written as a number');
    }
  }

  private string(): void {
    const start = this.at;
    this.at++;
    for (;;) {
      this.at += this.peek(STRING_PART).length;
      const next = this.text[this.at];
      if (next === '"') {
        this.at++;
        return;
      }
      if (next === undefined) throw new Fault(start, 'the text that begins here has no end');
      const escape = next === '\\' ? this.peek(ESCAPE) : '';
      if (escape === '') this.fail(next === '\\' ? 'an unknown escape' : 'a control character in a text');
      this.at += escape.length;
    }
  }

  private space(): void {
    this.at += this.peek(WHITESPACE).length;
  }

  private peek(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text)?.[0] ?? '';
  }

  private fail(problem: string): never {
    throw new Fault(
      this.at,
      this.at >= this.text.length ? `the text ends where ${problemAtEnd(problem)}` : problem,
    );
  }
}

function problemAtEnd(problem: string): string {
  return problem.endsWith('missing')
    ? `${problem.replace(/ is missing$/, '')} should follow`
    : 'more should follow';
}
