/** Checks JSON against the schemas of an OpenAPI 3.0 document, as far as ours uses them, and for undocumented fields. */
import type { Schema } from '../../src/app/http/api/openapi-schema';

export type Schemas = Readonly<Record<string, Schema>>;

/** What is wrong with `value`, one line for each; a field that the schema does not name is wrong, too. */
export function faultsOf(value: unknown, schema: Schema, schemas: Schemas, at = '$'): string[] {
  if (schema.$ref !== undefined) {
    const target = schemas[schema.$ref.replace('#/components/schemas/', '')];
    return target ? faultsOf(value, target, schemas, at) : [`${at}: no ${schema.$ref}`];
  }
  if (schema.anyOf) {
    const all = schema.anyOf.map((one) => faultsOf(value, one, schemas, at));
    return all.some((faults) => faults.length === 0) ? [] : all.flat();
  }
  if (value === null) return schema.nullable === true ? [] : [`${at}: null`];
  if (schema.type !== undefined && !isOf(value, schema.type)) {
    return [`${at}: expected ${schema.type}, got ${JSON.stringify(value)}`];
  }
  return faultsWithin(value, schema, schemas, at);
}

function faultsWithin(value: unknown, schema: Schema, schemas: Schemas, at: string): string[] {
  if (Array.isArray(value)) {
    const { items = {} } = schema;
    return value.flatMap((one, index) => faultsOf(one, items, schemas, `${at}[${index}]`));
  }
  return typeof value === 'object'
    ? faultsOfObject(value as Record<string, unknown>, schema, schemas, at)
    : faultsOfPlain(value, schema, at);
}

function faultsOfObject(
  value: Readonly<Record<string, unknown>>,
  { properties = {}, required = [], additionalProperties }: Schema,
  schemas: Schemas,
  at: string,
): string[] {
  const isOpen = additionalProperties === undefined && Object.keys(properties).length === 0;
  const missing = required.filter((name) => !(name in value)).map((name) => `${at}: no ${name}`);
  const inner = Object.entries(value).flatMap(([name, field]) => {
    const schema =
      properties[name] ?? (additionalProperties === false ? undefined : additionalProperties);
    if (schema) return faultsOf(field, schema, schemas, `${at}.${name}`);
    return isOpen ? [] : [`${at}.${name}: not documented`];
  });
  return [...missing, ...inner];
}

function faultsOfPlain(value: unknown, schema: Schema, at: string): string[] {
  const faults: string[] = [];
  if (schema.enum && !schema.enum.some((one) => one === value)) {
    faults.push(`${at}: ${String(value)} is none of ${schema.enum.join()}`);
  }
  if (schema.minimum !== undefined && Number(value) < schema.minimum) {
    faults.push(`${at}: ${String(value)} is below ${schema.minimum}`);
  }
  return faults;
}

function isOf(value: unknown, type: NonNullable<Schema['type']>): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'number') return Number.isFinite(value);
  if (type === 'object') return typeof value === 'object' && !Array.isArray(value);
  return typeof value === type;
}
