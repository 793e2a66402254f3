import { messageSchemas } from './messages.js';

/** What of a schema the wire needs: the names of fields as they are sent, and where maps with such names lie inside. */
export interface Form {
  readonly names: readonly string[];
  /** Where each name stands among them. */
  readonly places: ReadonlyMap<string, number>;
  /** Each name as MessagePack. */
  readonly keys: readonly Uint8Array[];
  /** Of each field: the form of the map that it is, or holds as a list; null for all else. */
  readonly inside: readonly (Form | null)[];
}

export interface MessageForm extends Form {
  /** The name of the message as MessagePack. */
  readonly head: Uint8Array;
}

/** By the name of the message. */
export const messageForms: ReadonlyMap<string, MessageForm> = new Map(
  Object.entries(messageSchemas).map(([type, { properties }]) => [
    type,
    { head: packedName(type), ...formOf(properties) },
  ]),
);

function formOf(properties: object): Form {
  const fields = Object.entries(properties);
  return {
    names: fields.map(([name]) => name),
    places: new Map(fields.map(([name], index) => [name, index])),
    keys: fields.map(([name]) => packedName(name)),
    inside: fields.map(([, schema]) => formInside(schema)),
  };
}

function formInside(schema: unknown): Form | null {
  if (typeof schema !== 'object' || schema === null) return null;
  if ('properties' in schema && typeof schema.properties === 'object' && schema.properties !== null) {
    return formOf(schema.properties);
  }
  if ('items' in schema) return formInside(schema.items);
  if ('anyOf' in schema && Array.isArray(schema.anyOf)) {
    for (const choice of schema.anyOf) {
      const form = formInside(choice);
      if (form !== null) return form;
    }
  }
  return null;
}

/** Of a name, which is short and ASCII. */
function packedName(name: string): Uint8Array {
  const bytes = Buffer.from(name);
  return Uint8Array.of(...(bytes.length < 32 ? [0xa0 | bytes.length] : [0xd9, bytes.length]), ...bytes);
}
