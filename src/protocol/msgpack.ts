import { addExtension, Packr, RESET_BUFFER_MODE, Unpackr } from 'msgpackr/pack';
import { EXTENSIONS } from './limits.js';

/**
 * The one place that touches msgpackr. Its extensions and its write buffer belong to the whole process; the
 * `/pack` entry leaves out the native string reader, so that no native code reads hostile bytes.
 * Only bytes that passed the scan may come here.
 */

const CLASSES = {
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
} as const;

export type NumberArray = InstanceType<(typeof CLASSES)[keyof typeof CLASSES]>;
export const NUMBER_ARRAY_CLASSES = Object.values(CLASSES);

// Elements are copied as they lie in memory: every platform that the QUIC bindings exist for is little-endian.
for (const { type, name } of EXTENSIONS) {
  const Class = CLASSES[name];
  addExtension({
    type,
    Class,
    pack: (array: NumberArray) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
    // A copy: it must outlive the receive buffer, and its start must be aligned to the element size.
    unpack: (bytes: Uint8Array) => new Class(new Uint8Array(bytes).buffer),
  });
}

const options = {
  useRecords: false,
  mapsAsObjects: true,
  moreTypes: false,
  structuredClone: false,
  variableMapSize: true, // shortest map header; msgpackr's default writes map 16, and no larger map
  int64AsType: 'number', // the scan lets only safe integers through
  useToJSON: false,
} as const;

const packr = new Packr({ ...options });
const unpackr = new Unpackr({ ...options });
const copyingUnpackr = new Unpackr({ ...options, copyBuffers: true });

/** A write buffer that grew beyond this is given back after use. */
const KEEP_BYTES = 1024 * 1024;
const INITIAL_BYTES = 16 * 1024;

/** Encodes into msgpackr's own write buffer: the result is a view, valid until anything else is packed. */
export function pack(value: unknown): Uint8Array {
  const view = packr.pack(value, RESET_BUFFER_MODE);
  if (view.buffer.byteLength > KEEP_BYTES) packr.useBuffer(Buffer.allocUnsafeSlow(INITIAL_BYTES));
  return view;
}

/** Decodes scanned bytes; byte strings in the result are views of them. */
export const unpackViews = (bytes: Uint8Array): unknown => unpackr.unpack(bytes);

/** Decodes scanned bytes; the result holds nothing of them. */
export const unpackCopies = (bytes: Uint8Array): unknown => copyingUnpackr.unpack(bytes);

/** The same bytes, for what only a Buffer can do. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
