/** What the page asks the server. */

const TOKEN = 'quic-swarm.token';

/** A refusal of the server. `code` is stable, the message is for people. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * @param {string} path
 * @param {Record<string, string>} [query] empty values are left out
 * @returns {Promise<any>} the JSON; rejects with ApiError, or with TypeError when the server is out of reach
 */
export function read(path, query = {}) {
  return ask('GET', path, query, {});
}

/**
 * Changes something, with the token of this tab.
 * @param {string} path
 * @param {Record<string, string>} query
 */
export function change(path, query) {
  const token = sessionStorage.getItem(TOKEN);
  return ask('POST', path, query, token === null ? {} : { authorization: `Bearer ${token}` });
}

export const hasToken = () => sessionStorage.getItem(TOKEN) !== null;
export const forgetToken = () => sessionStorage.removeItem(TOKEN);
/** @param {string} token */
export const keepToken = (token) => sessionStorage.setItem(TOKEN, token);

/**
 * @param {string} method
 * @param {string} path
 * @param {Record<string, string>} query
 * @param {Record<string, string>} headers
 */
async function ask(method, path, query, headers) {
  const given = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''));
  const target = given.size === 0 ? path : `${path}?${given.toString()}`;
  const response = await fetch(target, { method, headers, signal: AbortSignal.timeout(10_000) });
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  const { name = 'ERROR', message = `the server answered ${response.status}` } = body?.error ?? {};
  throw new ApiError(response.status, name, message);
}
