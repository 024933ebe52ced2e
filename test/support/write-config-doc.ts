/** Owns how doc/config.md is put together. Run by itself it writes the page's tables anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { rootRows } from '../../src/app/config/config';
import { renderReference } from '../../src/app/config/reference';

/** The page that holds the reference of all directives. */
export const CONFIG_DOC = join(__dirname, '../../doc/config.md');

const START = /(<!-- From here on written by [^\n]*-->\n)[\s\S]*$/;

/** What the page should contain: its own text up to the mark, and the tables of today's rows. */
export function currentConfigDoc(): string {
  const page = readFileSync(CONFIG_DOC, 'utf8');
  if (!START.test(page)) throw new Error(`${CONFIG_DOC} has lost the mark that tables follow`);
  const tables = `\n${renderReference(rootRows)}\n<!-- prettier-ignore-end -->\n`;
  return page.replace(START, (_, mark: string) => mark + tables);
}

if (require.main === module) writeFileSync(CONFIG_DOC, currentConfigDoc());
