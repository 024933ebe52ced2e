/** Owns the tables of the configuration reference, made from the rows so that they cannot go stale. */
import { availableFeatures } from './features';
import type { Row, Rows } from './row';

/** One directive as the reference lists it. */
export interface ReferenceEntry {
  /** Block it stands in, as `vhost hls`; empty for root. */
  readonly scope: string;
  readonly row: Row<unknown>;
}

/** Every directive below `rows`, block by block: those of a block first, then its inner blocks. */
export function listDirectives(rows: Rows, scope = ''): readonly ReferenceEntry[] {
  const all: Row<unknown>[] = Object.values(rows);
  const inner = all.flatMap((row) =>
    row.rows ? listDirectives(row.rows, scope === '' ? row.name : `${scope} ${row.name}`) : [],
  );
  return [...all.map((row) => ({ scope, row })), ...inner];
}

/** The tables, one per block, in Markdown. */
export function renderReference(rows: Rows): string {
  const scopes = new Map<string, Row<unknown>[]>();
  for (const { scope, row } of listDirectives(rows)) {
    const group = scopes.get(scope);
    if (group) group.push(row);
    else scopes.set(scope, [row]);
  }
  return [...scopes].map(([scope, group]) => renderScope(scope, group)).join('\n');
}

function renderScope(scope: string, rows: readonly Row<unknown>[]): string {
  const lines = rows.map((row) => {
    const names = [row.name, ...row.aliases].map(code).join(', ');
    const reload = row.isReloadable ? 'yes' : 'no';
    const isMissing = row.feature !== undefined && !availableFeatures.has(row.feature);
    const doc = isMissing ? `${row.doc} Not in this build.` : row.doc;
    return `| ${names} | ${cell(row.label)} | ${code(row.defaultLabel)} | ${reload} | ${cell(doc)} |`;
  });
  const title = scope === '' ? 'Root' : code(scope);
  const head = ['| Directive | Value | Default | Reload | Meaning |', '|---|---|---|---|---|'];
  return [`### ${title}`, '', ...head, ...lines, ''].join('\n');
}

function code(text: string): string {
  return text === '' ? '' : `\`${text.replaceAll('|', '\\|')}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('[', '\\[');
}
