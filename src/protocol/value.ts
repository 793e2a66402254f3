import { readWhole, UNREAD } from './field-reader.js';
import { MAX_DEPTH, MAX_VALUES } from './limits.js';
import { scanValue } from './msgpack-scan.js';
import { asBuffer, NUMBER_ARRAY_CLASSES, pack, unpackCopies } from './msgpack.js';

/**
 * Payload values: null, booleans, numbers, text, byte strings (Uint8Array), lists, plain objects, and arrays of
 * numbers (Float64Array, Float32Array, Int32Array, Uint32Array, Int16Array, Uint16Array, Int8Array), which travel
 * as extension types 1 to 7. NaN in a Float64Array or Float32Array means that the value is missing.
 */

/** Long lists of numbers are read faster by msgpackr. */
const SHORT_BYTES = 512;

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
  const walk: Walk = { depth: 0, values: 0, undefinedFields: false };
  const fault = check(root, walk);
  if (fault !== null) throw new ValueError(pathText(fault.steps), fault.problem);
  const packed = pack(walk.undefinedFields ? withoutUndefined(root) : root);
  return new Uint8Array(packed); // the typed-array constructor copies
}

/**
 * Decodes bytes that hold exactly one value. The result shares no memory with them; typed arrays are aligned.
 * @throws ProtocolError BAD_MESSAGEPACK.
 */
export function decodeValue(bytes: Uint8Array): unknown {
  if (bytes.length <= SHORT_BYTES) {
    const value = readWhole(asBuffer(bytes));
    if (value !== UNREAD) return value;
  }
  scanValue(bytes);
  // A fresh plain view: msgpackr writes a property on what it reads, and byte strings take its class.
  return unpackCopies(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

interface Walk {
  depth: number;
  values: number;
  undefinedFields: boolean;
}

/** What is wrong, and the keys and indices from there up to the root: nothing is written down on the way to it. */
interface Fault {
  readonly problem: string;
  readonly steps: (string | number)[];
}

function check(value: unknown, walk: Walk): Fault | null {
  if (++walk.values > MAX_VALUES)
    return faulty(`more than ${MAX_VALUES} values; use typed arrays for numbers`);
  switch (typeof value) {
    case 'boolean':
    case 'number':
      return null;
    case 'string':
      return checkText(value);
    case 'object':
      return value === null ? null : checkObject(value, walk);
    case 'bigint':
      return faulty('a bigint cannot be sent; use a number up to 2^53-1 or text');
    case 'undefined':
      return faulty('undefined cannot be sent in a list; use null');
    default:
      return faulty(`a ${typeof value} cannot be sent`);
  }
}

function checkObject(value: object, walk: Walk): Fault | null {
  if (ArrayBuffer.isView(value) && isByteString(value)) return null;
  if (walk.depth === MAX_DEPTH) return faulty(`more than ${MAX_DEPTH} levels deep, or a cycle`);
  walk.depth++;
  const fault = Array.isArray(value)
    ? checkElements(value, walk)
    : isPlain(value)
      ? checkFields(value, walk)
      : faulty(`a ${className(value)} cannot be sent; use plain objects, lists or typed arrays`);
  walk.depth--;
  return fault;
}

function checkElements(list: readonly unknown[], walk: Walk): Fault | null {
  for (let index = 0; index < list.length; index++) {
    const fault = check(list[index], walk);
    if (fault !== null) return below(index, fault);
  }
  return null;
}

function checkFields(fields: Readonly<Record<string, unknown>>, walk: Walk): Fault | null {
  for (const key in fields) {
    if (!Object.hasOwn(fields, key)) continue;
    const fault = key === '__proto__' ? faulty('the key __proto__ cannot be sent') : checkText(key);
    if (fault !== null) return below(key, fault);
    walk.values++;
    const field = fields[key];
    if (field === undefined) {
      walk.undefinedFields = true;
      continue;
    }
    const inside = check(field, walk);
    if (inside !== null) return below(key, inside);
  }
  return null;
}

function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const isByteString = (view: ArrayBufferView): boolean =>
  view instanceof Uint8Array || NUMBER_ARRAY_CLASSES.some((Class) => view instanceof Class);

const checkText = (text: string): Fault | null =>
  text.isWellFormed() ? null : faulty('the text holds half of a surrogate pair');

const faulty = (problem: string): Fault => ({ problem, steps: [] });

function below(step: string | number, fault: Fault): Fault {
  fault.steps.push(step);
  return fault;
}

function pathText(steps: Fault['steps']): string {
  const path = steps.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`));
  const text = path.reverse().join('');
  return text.startsWith('.') ? text.slice(1) : text;
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
