export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

const nothing = (): void => undefined;

/** A promise that may be rejected before, or without, anyone looking at it. */
export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = nothing;
  let reject: (reason: unknown) => void = nothing;
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  promise.catch(nothing);
  return { promise, resolve, reject };
}

/** Resolves with what `make` returns, or rejects with what it throws: a payload may not be what it should. */
export function settle<T>(target: Deferred<T>, make: () => T): void {
  try {
    target.resolve(make());
  } catch (error) {
    target.reject(error);
  }
}
