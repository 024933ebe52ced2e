import assert from 'node:assert/strict';

import { ConfigError, warningLines } from '../../../../src/app/config/config-error';
import type { Warning } from '../../../../src/app/config/config-error';
import { block, blocks, list, one, pairs, rules } from '../../../../src/app/config/directive';
import type { Feature } from '../../../../src/app/config/features';
import { parseDirectives } from '../../../../src/app/config/parser';
import { Scope, readSection } from '../../../../src/app/config/row';
import type { OptionsOf, Rows } from '../../../../src/app/config/row';
import { choice, int, onOff, text } from '../../../../src/app/config/values';

const size = one('size', int(1, 9), '5', { doc: 'Size.', aliases: ['extent'] });
const rows = {
  size,
  names: list('names', text(), { doc: 'Names.', feature: 'refer' }),
  inner: block(
    'inner',
    {
      enabled: one('enabled', onOff, 'off', { doc: 'On.' }),
      size: one('size', int(1, 9), size, { doc: 'Size.' }),
      title: one('title', text(), '', { doc: 'Title.' }),
      more: one('more', onOff, 'off', { doc: 'More.', feature: 'transcode' }),
    },
    { doc: 'Inner.', feature: 'hls' },
  ),
  items: blocks(
    'item',
    'id',
    { options: pairs('options', { doc: 'Options.' }) },
    { doc: 'Items.' },
  ),
  plain: blocks(
    'plain',
    undefined,
    { size: one('size', int(1, 9), '1', { doc: '' }) },
    { doc: '' },
  ),
  allow: rules('allow', [choice('play'), text('who')], { doc: 'Rule.' }),
};

/** Reads a text by the rows; `features` are those of the build. */
function read<R extends Rows>(
  source: string,
  using: R,
  features: readonly Feature[] = [],
): OptionsOf<R> & { warnings: string[] } {
  const warnings: Warning[] = [];
  const scopesOf = (name: string): string[] =>
    name === 'size' ? ['root', 'inner'] : name === 'title' ? ['inner'] : [];
  const scope = new Scope({ warnings, features: new Set(features), scopesOf });
  return {
    ...readSection(using, parseDirectives(source, 'a.conf'), scope),
    warnings: warningLines(warnings),
  };
}

function refuses(source: string, message: string): void {
  assert.throws(
    () => read(source, rows),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.message, `a.conf:${message}`);
      return true;
    },
  );
}

describe('the rows of a section', () => {
  it('give every option its default when nothing is given', () => {
    const { warnings, ...options } = read('', rows);
    assert.deepEqual(options, {
      size: 5,
      names: [],
      inner: { enabled: false, size: 5, title: '', more: false },
      items: [],
      plain: [],
      allow: [],
    });
    assert.deepEqual(warnings, []);
  });

  it('read values, lists, blocks, pairs and rules', () => {
    const source = `size 2; names a b; inner { title x; } plain { size 3; }
      item one { options { a b; c; } } item { } allow play all; allow play me;`;
    const { size: value, names, inner, items, plain, allow } = read(source, rows, ['refer']);
    assert.equal(value, 2);
    assert.deepEqual(names, ['a', 'b']);
    assert.equal(inner.title, 'x');
    assert.deepEqual(items, [
      { id: 'one', options: [['a', 'b'], ['c', '']] },
      { id: '', options: [] },
    ]); // prettier-ignore
    assert.deepEqual(plain, [{ size: 3 }]);
    assert.deepEqual(allow, [['play', 'all'], ['play', 'me']]); // prettier-ignore
  });

  it('inherit from the block around, unless given', () => {
    assert.equal(read('size 2;', rows).inner.size, 2);
    assert.equal(read('inner { } size 2;', rows).inner.size, 2);
    assert.equal(read('size 2; inner { size 3; }', rows).inner.size, 3);
  });

  it('inherit the default of a row that nobody around has', () => {
    const lonely = { size: one('size', int(1, 9), size, { doc: '' }) };
    assert.equal(read('', lonely).size, 5);
  });

  it('know older names', () => {
    assert.equal(read('extent 3;', rows).size, 3);
  });

  it('read an empty text from empty quotes', () => {
    assert.equal(read('inner { title ""; }', rows).inner.title, '');
  });

  it('let the first of two win, and say so', () => {
    const {
      size: value,
      inner,
      warnings,
    } = read('size 2;\nextent 3;inner{title a;\ntitle b;}', rows);
    assert.deepEqual([value, inner.title], [2, 'a']);
    assert.deepEqual(warnings, [
      'a.conf:2: directive extent duplicated and ignored, the one of a.conf:1 counts',
      'a.conf:3: directive inner title duplicated and ignored, the one of a.conf:2 counts',
    ]);
  });

  const failures: readonly [string, string, string][] = [
    ['an unknown name', 'foo;', '1: unsupported directive foo'],
    ['an unknown name inside', 'inner {\nfoo; }', '2: unsupported inner directive foo'],
    ['a mistyped name', 'nmaes a;', '1: unsupported directive nmaes, did you mean "names"?'],
    ['a name of elsewhere', 'title a;', '1: unsupported directive title, it belongs in inner'],
    ['a name of root', 'plain { } item { size 1; }', '1: unsupported item directive size, it belongs in root or inner'], // prettier-ignore
    ['a value beyond bounds', 'size 10;', '1: directive size invalid, size=10, must be an integer in [1, 9]'], // prettier-ignore
    ['a bad value inside', 'inner {\n enabled yes; }', '2: directive inner enabled invalid, enabled=yes, must be on or off'], // prettier-ignore
    ['no value', 'size;', '1: directive size expects a value, must be an integer in [1, 9]'],
    ['an empty value where there is none', 'size "";', '1: directive size expects a value, must be an integer in [1, 9]'], // prettier-ignore
    ['two values', 'size 1 2;', '1: directive size has too many values, expecting ; before 2'],
    ['a missing ;', 'inner { enabled on\n title x; }', '1: directive inner enabled has too many values, expecting ; before title (is a ; missing before title?)'], // prettier-ignore
    ['a value that is a directive', 'size\ntitle;', '2: directive size invalid, size=title, must be an integer in [1, 9] (is a ; missing before title?)'], // prettier-ignore
    ['a block after a value', 'size 1 { }', '1: directive size takes no block, expecting ;'],
    ['a list without values', 'names;', '1: directive names expects a value, must be a text'],
    ['a list with a block', 'names a { }', '1: directive names takes no block, expecting ;'],
    ['a block without one', 'inner;', '1: directive inner expects a block { … }'],
    ['a block with a value', 'inner x { }', '1: directive inner has too many values, expecting ; before x'], // prettier-ignore
    ['a block with two names', 'item a b { }', '1: directive item has too many values, expecting ; before b'], // prettier-ignore
    ['a bad pair', 'item x { options { a b c; } }', '1: directive item x options a has too many values, expecting ; before c'], // prettier-ignore
    [
      'a block in pairs',
      'item { options { a { } } }',
      '1: directive item options a takes no block',
    ],
    ['pairs without a block', 'item { options a; }', '1: directive item options expects a block { … }'], // prettier-ignore
    ['a rule of one word', 'allow play;', '1: directive allow expects two values'],
    ['a rule of three words', 'allow play a b;', '1: directive allow has too many values, expecting ; before b'], // prettier-ignore
    ['a rule with a bad word', 'allow fly all;', '1: directive allow invalid, allow=fly, must be one of play'], // prettier-ignore
    ['a rule with a block', 'allow play all { }', '1: directive allow takes no block'],
  ];
  for (const [name, source, message] of failures) {
    it(`refuse ${name}`, () => {
      refuses(source, message);
    });
  }

  it('refuse a default that its own kind does not take, when the program starts', () => {
    assert.throws(() => one('size', int(1, 9), '0', { doc: '' }), /default of size must be an/);
  });
});

describe('features that the build lacks', () => {
  it('are warned about when they are switched on', () => {
    const { warnings } = read('names a;\ninner { enabled on; }', rows);
    assert.deepEqual(warnings, [
      'a.conf:1: "names" is not available in this build and is ignored',
      'a.conf:2: "inner" is not available in this build and is ignored',
    ]);
  });

  it('are not mentioned when off, absent or built', () => {
    assert.deepEqual(read('inner { enabled off; }', rows).warnings, []);
    assert.deepEqual(read('', rows).warnings, []);
    assert.deepEqual(read('names a; inner { enabled on; }', rows, ['refer', 'hls']).warnings, []);
  });

  it('are not mentioned inside a block that is off', () => {
    assert.deepEqual(read('inner { enabled off; more on; }', rows).warnings, []);
    assert.deepEqual(read('inner { enabled on; more off; }', rows, ['hls']).warnings, []);
    assert.deepEqual(read('inner { enabled on; more on; }', rows, ['hls']).warnings, [
      'a.conf:1: inner: "more" is not available in this build and is ignored',
    ]);
  });
});
