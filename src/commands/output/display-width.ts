const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Emoji, and the blocks of Unicode's East Asian Wide and Fullwidth characters. */
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;
const ASCII = /^[\x20-\x7e]*$/;

/** Columns that `text` takes on a terminal. It must hold no control characters. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += widthOf(segment);
  return width;
}

/** `text` when it fits into `columns`, else its beginning and `…`. */
export function fit(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const { segment } of segmenter.segment(text)) {
    width += widthOf(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

function widthOf(segment: string): number {
  if (WIDE.test(segment)) return 2;
  return /^\p{Mark}+$/u.test(segment) ? 0 : 1;
}
