// Prints toolchain/targets/<cpu>.ini as shell assignments: section and key become TARGET_SECTION_KEY.
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { parse } from 'ini';

const [cpu = 'x64'] = process.argv.slice(2);
const sections = parse(
  readFileSync(path.join(__dirname, 'targets', `${cpu}.ini`), 'utf8'),
) as Record<string, Record<string, string>>;

for (const [section, entries] of Object.entries(sections)) {
  for (const [key, value] of Object.entries(entries)) {
    const name = `target_${section}_${key}`.toUpperCase();
    console.log(`${name}='${value.replaceAll("'", String.raw`'\''`)}'`);
  }
}
