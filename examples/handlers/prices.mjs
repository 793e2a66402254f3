/* global fetch, TextDecoder */
/** Own handlers in JavaScript: they wait for others, so they hand the `AbortSignal` on. README.md says how they are run. */

/** No attempt would fare better: it is not tried again. */
const badInput = (path, problem) =>
  Object.assign(new Error(`${path}: ${problem}`), { name: 'BadInput', retryable: false });

/** The numbers of one column of CSV text. */
function columnOf(text, name) {
  const [header = '', ...lines] = text.trim().split(/\r?\n/);
  const index = header.split(',').indexOf(name);
  if (index === -1) throw badInput('column', `there is no '${name}' among ${header}`);
  return Float64Array.from(lines, (line, row) => {
    const value = line.split(',')[index]?.trim();
    if (!value || Number.isNaN(Number(value)))
      throw badInput('csv', `row ${row + 1}: '${value}' is not a number`);
    return Number(value);
  });
}

export const functions = {
  /** Downloads a CSV file and gives one of its columns, for pattern-match to take as `{"$result": …}`. */
  async 'fetch-prices'(input, { signal, progress }) {
    const { url, column = 'close' } = input ?? {};
    if (typeof url !== 'string' || !URL.canParse(url))
      throw badInput('url', 'must be an address, such as https://…');
    // Ends the download when the task is cancelled or times out.
    const response = await fetch(url, { signal });
    // Another attempt may fare better: this error is retried.
    if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
    const size = Number(response.headers.get('content-length') ?? 0);
    const decoder = new TextDecoder();
    let text = '';
    let bytes = 0;
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true });
      bytes += chunk.length;
      if (size > 0) progress(Math.min(1, bytes / size), `${bytes} of ${size} bytes`);
    }
    return { column, values: columnOf(text, column) };
  },
};

export const kinds = {
  'csv-column': {
    parseInput(input) {
      if (typeof input?.csv !== 'string') throw badInput('csv', 'must be text');
      return { csv: input.csv, column: String(input.column ?? 'close') };
    },
    handler: ({ csv, column }) => columnOf(csv, column),
  },
};
