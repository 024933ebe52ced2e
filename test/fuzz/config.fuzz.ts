import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';

import { Config, ConfigError, rootRows } from '../../src/app/config/config';
import { listDirectives } from '../../src/app/config/reference';

import { fuzzParameters } from './parameters';

const full = readFileSync(join(__dirname, '../../conf/full.conf'), 'utf8');
const names = [...new Set(listDirectives(rootRows).map(({ row }) => row.name))];

/** A good configuration, or a ConfigError that names its place; nothing else may come out. */
function parses(text: string): void {
  // An include would lead out of the text; that way has tests of its own.
  const closed = text.replaceAll('include', 'exclude');
  try {
    const { global, vhosts, warnings } = Config.parse(closed, 'fuzz.conf');
    assert.ok(global.listen.length > 0);
    assert.equal(new Set(vhosts.map(({ name }) => name)).size, vhosts.length);
    for (const warning of warnings) assert.match(warning, /^fuzz\.conf(:\d+)?: /);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    assert.match(error.message, /^fuzz\.conf(:\d+)?: /);
    assert.ok(error.line <= closed.split('\n').length);
  }
}

describe('config fuzz', function () {
  it('answers any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 500 }), parses), fuzzParameters());
  });

  it('answers any sequence of tokens and known words', () => {
    const word = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...names, 'vhost', 'engine') },
      { weight: 3, arbitrary: fc.constantFrom('on', 'off', '1935', '60000', 'a.com', '0', '-1') },
      fc.string({ maxLength: 8 }),
    );
    const mark = fc.constantFrom(';', ' {', '}', '"', "'", '#', '\n', ' ');
    const part = fc.oneof({ weight: 3, arbitrary: word }, { weight: 2, arbitrary: mark });
    const text = fc.array(part, { maxLength: 60 }).map((parts) => `listen 1;${parts.join(' ')}`);
    fc.assert(fc.property(text, parses), fuzzParameters());
  });

  it('answers the full configuration with a few bytes changed', () => {
    const edit = fc.record({ at: fc.nat(full.length), cut: fc.nat(20), put: fc.string({ maxLength: 6 }) }); // prettier-ignore
    const edits = fc.array(edit, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(edits, (all) => {
        const damaged = all.reduce(
          (t, e) => t.slice(0, e.at) + e.put + t.slice(e.at + e.cut),
          full,
        );
        parses(damaged);
      }),
      fuzzParameters(),
    );
  });

  it('answers words and blocks of any length and depth', () => {
    for (const text of [
      '{'.repeat(1e6),
      'a{'.repeat(1e5),
      'a '.repeat(1e6),
      `${'x'.repeat(1e6)};`,
    ]) {
      parses(text);
    }
  });
});
