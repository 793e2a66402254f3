/** Results that are waited for, by the id of their task. */
export class Pending {
  readonly #waiting = new Map<
    string,
    { readonly resolve: (result: string) => void; readonly reject: (error: Error) => void }
  >();

  add(id: string): Promise<string> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  resolve(id: string, result: string): void {
    this.#waiting.get(id)?.resolve(result);
    this.#waiting.delete(id);
  }

  reject(id: string, error: unknown): void {
    this.#waiting.get(id)?.reject(error instanceof Error ? error : new Error(String(error)));
    this.#waiting.delete(id);
  }
}
