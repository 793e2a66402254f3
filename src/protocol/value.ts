import { MAX_DEPTH, MAX_VALUES } from './limits.js';
import { scanValue } from './msgpack-scan.js';
import { NUMBER_ARRAY_CLASSES, pack, unpackCopies } from './msgpack.js';

/**
 * Payload values: null, booleans, numbers, text, byte strings (Uint8Array), lists, plain objects, and arrays of
 * numbers (Float64Array, Float32Array, Int32Array, Uint32Array, Int16Array, Uint16Array, Int8Array), which travel
 * as extension types 1 to 7. NaN in a Float64Array or Float32Array means that the value is missing.
 */

/** A value that cannot travel: where it is (`path`, such as `result.weights[3]`) and what is wrong. */
export class ValueError extends TypeError {
  override readonly name = 'ValueError';
  constructor(
    readonly path: string,
    readonly problem: string,
  ) {
    super(`${path === '' ? 'value' : path}: ${problem}`);
  }
}

/**
 * Encodes a value into bytes of its own. The same value gives the same bytes; fields keep their order.
 * Fields that are undefined are left out; undefined as the whole value is null. A list of numbers stays a list.
 * @throws ValueError for functions, symbols, bigints, class instances (Date, Map, Set, …), undefined in a list,
 *   text with half a surrogate pair, the key `__proto__`, and what nests or counts more than the limits allow.
 */
export function encodeValue(value: unknown): Uint8Array {
  const root = value === undefined ? null : value;
  const walk: Walk = { path: [], values: 0, undefinedFields: false };
  check(root, walk);
  const packed = pack(walk.undefinedFields ? withoutUndefined(root) : root);
  return new Uint8Array(packed); // the typed-array constructor copies
}

/**
 * Decodes bytes that hold exactly one value. The result shares no memory with them; typed arrays are aligned.
 * @throws ProtocolError BAD_MESSAGEPACK.
 */
export function decodeValue(bytes: Uint8Array): unknown {
  scanValue(bytes);
  // A fresh plain view: msgpackr writes a property on what it reads, and byte strings take its class.
  return unpackCopies(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

interface Walk {
  /** Keys and indices from the root to the value at hand; its length is the depth. */
  readonly path: (string | number)[];
  values: number;
  undefinedFields: boolean;
}

function check(value: unknown, walk: Walk): void {
  if (++walk.values > MAX_VALUES)
    throw fault(walk, `more than ${MAX_VALUES} values; use typed arrays for numbers`);
  switch (typeof value) {
    case 'boolean':
    case 'number':
      return;
    case 'string':
      checkText(value, walk);
      return;
    case 'object':
      if (value !== null) checkObject(value, walk);
      return;
    case 'bigint':
      throw fault(walk, 'a bigint cannot be sent; use a number up to 2^53-1 or text');
    case 'undefined':
      throw fault(walk, 'undefined cannot be sent in a list; use null');
    default:
      throw fault(walk, `a ${typeof value} cannot be sent`);
  }
}

function checkObject(value: object, walk: Walk): void {
  if (ArrayBuffer.isView(value) && isByteString(value)) return;
  const { path } = walk;
  if (path.length === MAX_DEPTH) throw fault(walk, `more than ${MAX_DEPTH} levels deep, or a cycle`);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      path.push(index);
      check(value[index], walk);
      path.pop();
    }
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw fault(walk, `a ${className(value)} cannot be sent; use plain objects, lists or typed arrays`);
  }
  for (const [key, field] of Object.entries(value)) {
    path.push(key);
    if (key === '__proto__') throw fault(walk, 'the key __proto__ cannot be sent');
    checkText(key, walk);
    walk.values++;
    if (field === undefined) walk.undefinedFields = true;
    else check(field, walk);
    path.pop();
  }
}

const isByteString = (view: ArrayBufferView): boolean =>
  view instanceof Uint8Array || NUMBER_ARRAY_CLASSES.some((Class) => view instanceof Class);

function checkText(text: string, walk: Walk): void {
  if (!text.isWellFormed()) throw fault(walk, 'the text holds half of a surrogate pair');
}

function fault(walk: Walk, problem: string): ValueError {
  const path = walk.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  return new ValueError(path.startsWith('.') ? path.slice(1) : path, problem);
}

function className(instance: object): string {
  const { constructor }: { constructor: unknown } = instance;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'class instance';
}

/** A copy of lists and plain objects in which no field is undefined. */
function withoutUndefined(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(withoutUndefined);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([key, field]) => [key, withoutUndefined(field)]),
  );
}
