import { element, oncePerFrame } from './dom.js';

/** Rows drawn above and below those in sight. */
const MARGIN = 6;
const MAX_HEIGHT = 400;
let grids = 0;

/**
 * A column. `fill` writes a value into the cell that was made for it once; cells are used again for other rows.
 * @template T
 * @typedef {{
 *   title: string,
 *   class?: string,
 *   make?: () => HTMLElement,
 *   fill: (cell: HTMLElement, item: T) => void,
 * }} Column
 */

/**
 * A long table in which only the rows in sight exist. Arrow keys, Page Up and Down, Home and End move; Enter opens a row.
 * The row that a reader looks at stays in its place when rows come in above it.
 * @template T
 */
export class VirtualGrid {
  /** @type {readonly T[]} */
  #items = [];
  /** @type {{ row: HTMLElement, cells: HTMLElement[] }[]} */
  #pool = [];
  #active = -1;
  /** @type {string | null} */
  #activeKey = null;
  #rowHeight = 40;
  /** @type {string | null} key of the first row in sight, while it is not the first of all */
  #anchor = null;
  #id = `grid-${++grids}`;

  /**
   * @param {HTMLElement} host
   * @param {{
   *   label: string,
   *   class: string,
   *   columns: readonly Column<T>[],
   *   keyOf: (item: T) => string,
   *   empty: string,
   *   onOpen?: (item: T) => void,
   *   onEnd?: () => void,
   * }} options `onEnd`: the last rows are in sight
   */
  constructor(host, options) {
    this.options = options;
    const { label, columns, onOpen } = options;
    host.className = `${options.class}${onOpen === undefined ? '' : ' openable'}`;
    this.rows = element('div', { class: 'grid-rows', attributes: { role: 'rowgroup' } });
    this.head = element('div', { class: 'grid-head', attributes: { role: 'row', 'aria-rowindex': '1' } });
    this.head.append(
      ...columns.map((column) =>
        element('div', {
          text: column.title,
          class: column.class ?? '',
          attributes: { role: 'columnheader' },
        }),
      ),
    );
    const top = element('div', { class: 'grid-top', attributes: { role: 'rowgroup' } }, [this.head]);
    const attributes = { role: 'grid', 'aria-label': label, 'aria-readonly': 'true' };
    this.table = element('div', { class: 'grid-table', attributes }, [top, this.rows]);
    this.table.setAttribute('aria-colcount', String(columns.length));
    this.table.tabIndex = 0;
    this.empty = element('p', { class: 'empty', text: options.empty });
    host.append(this.table, this.empty);
    this.draw = oncePerFrame(() => this.#draw());
    this.table.addEventListener('scroll', () => {
      this.#anchor = this.#keyAt(Math.floor(this.table.scrollTop / this.#rowHeight));
      this.draw();
    });
    this.table.addEventListener('keydown', (event) => this.#onKey(event));
    this.table.addEventListener('click', (event) => this.#onClick(event));
    new ResizeObserver(() => this.#measure()).observe(host);
    this.#measure();
  }

  /** @param {readonly T[]} items */
  show(items) {
    this.#items = items;
    if (this.#activeKey !== null) {
      this.#active = items.findIndex((item) => this.options.keyOf(item) === this.#activeKey);
      if (this.#active === -1) this.#activeKey = null;
    }
    this.draw();
  }

  toTop() {
    this.table.scrollTop = 0;
    this.#anchor = null;
  }

  #measure() {
    const height = parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--row'));
    if (height > 0) this.#rowHeight = height;
    this.draw();
  }

  #draw() {
    const { options, table, rows } = this;
    const total = this.#items.length;
    this.empty.hidden = total > 0;
    this.table.hidden = total === 0;
    if (total === 0) return;
    const height = Math.min(MAX_HEIGHT, total * this.#rowHeight);
    table.style.height = `${height + this.head.offsetHeight}px`;
    rows.style.height = `${total * this.#rowHeight}px`;
    this.table.setAttribute('aria-rowcount', String(total + 1));
    this.#keepPlace();
    const first = Math.max(0, Math.floor(table.scrollTop / this.#rowHeight) - MARGIN);
    const last = Math.min(total, Math.ceil((table.scrollTop + height) / this.#rowHeight) + MARGIN);
    while (this.#pool.length < last - first) this.#pool.push(this.#makeRow());
    this.#pool.forEach(({ row, cells }, i) => {
      const index = first + i;
      const item = this.#items[index];
      row.hidden = item === undefined || index >= last;
      if (item === undefined || row.hidden) return;
      row.style.transform = `translateY(${index * this.#rowHeight}px)`;
      row.id = `${this.#id}-${index}`;
      row.dataset['index'] = String(index);
      row.dataset['key'] = options.keyOf(item);
      row.setAttribute('aria-rowindex', String(index + 2));
      row.setAttribute('aria-selected', String(index === this.#active));
      options.columns.forEach((column, c) => {
        const cell = cells[c];
        if (cell !== undefined) column.fill(cell, item);
      });
    });
    if (this.#active >= first && this.#active < last) {
      this.table.setAttribute('aria-activedescendant', `${this.#id}-${this.#active}`);
    } else this.table.removeAttribute('aria-activedescendant');
    if (last >= total - MARGIN) options.onEnd?.();
  }

  /** Scrolls along when rows came in above the one that is looked at. */
  #keepPlace() {
    if (this.#anchor === null || this.table.scrollTop < this.#rowHeight) return;
    const index = Math.floor(this.table.scrollTop / this.#rowHeight);
    if (this.#keyAt(index) === this.#anchor) return;
    const now = this.#items.findIndex((item) => this.options.keyOf(item) === this.#anchor);
    if (now === -1) this.#anchor = this.#keyAt(index);
    else this.table.scrollTop += (now - index) * this.#rowHeight;
  }

  /** @param {number} index */
  #keyAt(index) {
    const item = this.#items[index];
    return item === undefined ? null : this.options.keyOf(item);
  }

  #makeRow() {
    const cells = this.options.columns.map((column) => {
      const cell = element('div', { class: column.class ?? '', attributes: { role: 'gridcell' } });
      if (column.make !== undefined) cell.append(column.make());
      return cell;
    });
    const row = element('div', { class: 'grid-row', attributes: { role: 'row' } }, cells);
    this.rows.append(row);
    return { row, cells };
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const page = Math.max(1, Math.floor(this.table.clientHeight / this.#rowHeight) - 1);
    const steps = /** @type {Record<string, number>} */ ({
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity,
    });
    const step = steps[event.key];
    if (step !== undefined)
      this.#activate(Math.max(0, Math.min(this.#items.length - 1, this.#active + step)));
    else if (event.key === 'Enter') this.#open(this.#active);
    else return;
    event.preventDefault();
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const row = event.target instanceof Element ? event.target.closest('.grid-row') : null;
    if (!(row instanceof HTMLElement)) return;
    const index = Number(row.dataset['index']);
    this.#activate(index);
    this.#open(index);
  }

  /** @param {number} index */
  #activate(index) {
    this.#active = index;
    this.#activeKey = this.#keyAt(index);
    const top = index * this.#rowHeight;
    const { table } = this;
    const sight = table.clientHeight - this.head.offsetHeight;
    if (top < table.scrollTop) table.scrollTop = top;
    else if (top + this.#rowHeight > table.scrollTop + sight) {
      table.scrollTop = top + this.#rowHeight - sight;
    }
    this.draw();
  }

  /** @param {number} index */
  #open(index) {
    const item = this.#items[index];
    if (item !== undefined) this.options.onOpen?.(item);
  }
}

/** A cell that shows a state as a dot and a word. */
export const makeChip = () => element('span', { class: 'chip' });
