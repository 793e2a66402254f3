/**
 * JSON Schema (2020-12) with the TypeScript type of what it accepts. Plain objects, made by a handful of functions:
 * loading a whole schema builder costs every command a fifth of a second, and messages need no more than this.
 */
export interface Schema<T> {
  /** Never there: carries the type. */
  readonly '~accepts'?: T;
  readonly description?: string;
  readonly [keyword: string]: unknown;
}

/** A property that may be absent. */
export interface OptionalProperty<T> {
  readonly optional: Schema<T>;
}

/** A map with named fields. */
export interface ObjectSchema<T> extends Schema<T> {
  readonly properties: Readonly<Record<string, Schema<unknown>>>;
  readonly required: readonly string[];
}

/** The type of the values that a schema accepts. */
export type Static<S> = S extends Schema<infer T> ? T : never;

type Property = Schema<unknown> | OptionalProperty<unknown>;
type OptionalKeys<P> = { [K in keyof P]: P[K] extends OptionalProperty<unknown> ? K : never }[keyof P];
type Fields<P> = { [K in Exclude<keyof P, OptionalKeys<P>>]: Static<P[K]> } & {
  [K in OptionalKeys<P>]?: P[K] extends OptionalProperty<infer T> ? T : never;
};
export type ObjectOf<P> = { [K in keyof Fields<P>]: Fields<P>[K] };

interface Described {
  readonly description?: string;
}
interface Range extends Described {
  readonly minimum?: number;
  readonly maximum?: number;
}
interface Length extends Described {
  /** In code points. */
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

export const string = (options: Length): Schema<string> => ({ type: 'string', ...options });
export const number = (options: Range): Schema<number> => ({ type: 'number', ...options });
export const integer = (options: Range): Schema<number> => ({ type: 'integer', ...options });
export const boolean = (options: Described): Schema<boolean> => ({ type: 'boolean', ...options });

export const oneOf = <const T extends readonly string[]>(
  values: T,
  description: string,
): Schema<T[number]> => ({
  enum: [...values],
  description,
});

/** A value of `schema`, or null where there is none. */
export const nullable = <T>(schema: Schema<T>): Schema<T | null> => ({
  anyOf: [schema, { type: 'null' }],
  ...(schema.description === undefined ? {} : { description: schema.description }),
});

/** A setting or measurement: a finite number, text of at most 256 characters, a boolean or null. */
export const scalar = (options: Described): Schema<number | string | boolean | null> => ({
  anyOf: [{ type: 'number' }, { type: 'string', maxLength: 256 }, { type: 'boolean' }, { type: 'null' }],
  ...options,
});

export const list = <T>(
  items: Schema<T>,
  options: Described & { readonly minItems?: number; readonly maxItems: number },
): Schema<T[]> => ({ type: 'array', items, ...options });

/** A map with names of 1 to 64 characters that are not known in advance. */
export const dictionary = <T>(
  values: Schema<T>,
  options: Described & { readonly maxProperties: number },
): Schema<Record<string, T>> => ({
  type: 'object',
  // [^] also takes line ends: a name that the pattern misses would go unchecked but for additionalProperties
  patternProperties: { '^[^]{1,64}$': values },
  additionalProperties: false,
  ...options,
});

export const optional = <T>(schema: Schema<T>): OptionalProperty<T> => ({ optional: schema });

/** A map with named fields; others are allowed and ignored. */
export const object = <const P extends Readonly<Record<string, Property>>>(
  properties: P,
  options: Described = {},
): ObjectSchema<ObjectOf<P>> => ({
  type: 'object',
  properties: Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [
      name,
      isOptional(property) ? property.optional : property,
    ]),
  ),
  required: Object.entries(properties)
    .filter(([, property]) => !isOptional(property))
    .map(([name]) => name),
  ...options,
});

const isOptional = (property: Property): property is OptionalProperty<unknown> => 'optional' in property;
