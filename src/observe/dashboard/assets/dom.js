/** Small means to build and change the page. Text goes in as text, never as markup. */

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return found;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {{ class?: string, text?: string, tone?: string, attributes?: Record<string, string> }} [options]
 * @param {readonly (Node | string)[]} [children]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(name, options = {}, children = []) {
  const made = document.createElement(name);
  if (options.class !== undefined) made.className = options.class;
  if (options.text !== undefined) made.textContent = options.text;
  if (options.tone !== undefined) made.dataset['tone'] = options.tone;
  for (const [key, value] of Object.entries(options.attributes ?? {})) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/**
 * Touches the page only when the text is another one: what does not change needs no layout.
 * @param {Element} target
 * @param {string} text
 */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * @param {HTMLElement} target
 * @param {string} tone
 */
export function setTone(target, tone) {
  if (target.dataset['tone'] !== tone) target.dataset['tone'] = tone;
}

/**
 * Calls `draw` in the next frame, once for all calls until then.
 * @param {() => void} draw
 * @returns {() => void}
 */
export function oncePerFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

/**
 * Fills a select, keeping what is chosen.
 * @param {HTMLSelectElement} select
 * @param {readonly string[]} values
 */
export function setChoices(select, values) {
  const wanted = ['', ...values];
  const chosen = select.value;
  if (select.options.length === wanted.length && wanted.every((v, i) => select.options[i]?.value === v))
    return;
  select.replaceChildren(
    ...wanted.map((value) =>
      element('option', { text: value === '' ? 'all' : value, attributes: { value } }),
    ),
  );
  select.value = wanted.includes(chosen) ? chosen : '';
}
