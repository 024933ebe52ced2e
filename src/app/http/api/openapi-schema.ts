/** Owns the short words in which the description of the API tells the shape of JSON. */

/** A schema of OpenAPI 3.0, as far as it is used here. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: 'array' | 'boolean' | 'integer' | 'number' | 'object' | 'string';
  readonly description?: string;
  readonly nullable?: true;
  readonly enum?: readonly (number | string)[];
  readonly minimum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  /** The shape of the values of an object whose names are not known; false: no other names. */
  readonly additionalProperties?: Schema | false;
  readonly anyOf?: readonly Schema[];
}

/** A whole number. */
export function integer(description?: string): Schema {
  return described({ type: 'integer' }, description);
}

/** A number, with a fraction or without. */
export function decimal(description?: string): Schema {
  return described({ type: 'number' }, description);
}

/** A text. */
export function string(description?: string): Schema {
  return described({ type: 'string' }, description);
}

/** True or false. */
export function flag(description?: string): Schema {
  return described({ type: 'boolean' }, description);
}

/** A list. */
export function listOf(items: Schema, description?: string): Schema {
  return described({ type: 'array', items }, description);
}

/** An object whose names are not known. */
export function mapOf(additionalProperties: Schema, description?: string): Schema {
  return described({ type: 'object', additionalProperties }, description);
}

/** An object of these fields; all of them are there but those of `optional`. */
export function object(
  properties: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, ...(required.length > 0 && { required }) };
}

/** The same, or null. */
export function orNull(schema: Schema): Schema {
  return { ...schema, nullable: true };
}

/** One of `components/schemas`. */
export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** The same field for each of the names. */
export function each<Name extends string>(
  names: readonly Name[],
  schema: Schema,
): Readonly<Record<Name, Schema>> {
  return Object.fromEntries(names.map((name) => [name, schema])) as Record<Name, Schema>;
}

function described(schema: Schema, description: string | undefined): Schema {
  return description === undefined ? schema : { ...schema, description };
}
