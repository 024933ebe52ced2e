import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { ConfigError } from '../../../../src/app/config/config-error';
import { MAX_BLOCK_DEPTH, parseDirectives } from '../../../../src/app/config/parser';
import type { Directive } from '../../../../src/app/config/parser';

/** A tree in one line: `name args` with children in braces. */
function draw(directives: readonly Directive[]): string {
  return directives
    .map(({ name, args, children }) => {
      const head = [name, ...args.map((word) => word.text)].join(' ');
      return children ? `${head}{${draw(children)}}` : `${head};`;
    })
    .join('');
}

function refuses(run: () => unknown, message: string | RegExp, code = 1023): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ConfigError);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    assert.equal(error.code, code);
    return true;
  });
}

describe('the config parser', () => {
  const trees: readonly [string, string, string][] = [
    ['a directive with arguments', 'a b\n c;', 'a b c;'],
    ['a block with arguments and children', 'v x{a;b{c d;}}', 'v x{a;b{c d;}}'],
    ['an empty block', 'v{}', 'v{}'],
    ['directives in file order', 'b;a;b;', 'b;a;b;'],
    ['an empty text', ' # nothing\n', ''],
    ['empty quotes as no argument', 'a "" b \'\';', 'a b;'],
    ['a name in quotes', '"a" b;', 'a b;'],
  ];
  for (const [name, text, expected] of trees) {
    it(`reads ${name}`, () => {
      assert.equal(draw(parseDirectives(text, 'a.conf')), expected);
    });
  }

  it('remembers the line of each directive and argument', () => {
    const [vhost] = parseDirectives('\nv\n x {\n a 1\n 2;\n}', 'a.conf');
    assert.equal(vhost?.line, 2);
    assert.equal(vhost.args[0]?.line, 3);
    assert.deepEqual(
      vhost.children?.map(({ line, file, args }) => [line, file, args.map((word) => word.line)]),
      [[4, 'a.conf', [4, 5]]],
    );
  });

  const failures: readonly [string, string, string, number?][] = [
    ['an end inside a directive', 'a b ', 'a.conf:1: unexpected end of file, expecting ; or "}"'],
    ['a lone ;', 'a;\n;', "a.conf:2: unexpected ';', expecting the name of a directive"],
    ['a lone {', '{', "a.conf:1: unexpected '{', expecting the name of a directive"],
    ['a } after words', 'v {\na b }', `a.conf:2: unexpected '}', expecting ; after "a b"`],
    ['nothing but empty quotes', 'v {\n"";}', 'a.conf:2: empty directive, expecting a name'],
    ['a } at root', 'a;\n}', 'a.conf:2: unexpected "}", expecting a directive or the end of the file', 1026], // prettier-ignore
    ['a block that is not closed', 'a;\nv {\nw {}\n', 'a.conf:2: unexpected end of file, expecting "}" of the block that begins here', 1027], // prettier-ignore
    ['an include without a file', 'include;', 'a.conf:1: include expects one file or pattern, then ;'], // prettier-ignore
    ['an include of two files', 'include a b;', 'a.conf:1: include expects one file or pattern, then ;'], // prettier-ignore
    ['an include with a block', 'include a {}', 'a.conf:1: include expects one file or pattern, then ;'], // prettier-ignore
  ];
  for (const [name, text, message, code] of failures) {
    it(`refuses ${name}`, () => {
      refuses(() => parseDirectives(text, 'a.conf'), message, code);
    });
  }

  it('nests blocks up to its limit and no further', () => {
    const nested = (depth: number): string => 'a{'.repeat(depth) + '}'.repeat(depth);
    assert.equal(parseDirectives(nested(MAX_BLOCK_DEPTH), 'a.conf').length, 1);
    refuses(() => parseDirectives(nested(MAX_BLOCK_DEPTH + 1), 'a.conf'), /nested too deep/);
  });
});

describe('include', () => {
  let dir = '';

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'srs-config-'));
  });

  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  /** Writes files below the directory and parses `text` as its `main.conf`. */
  function parse(text: string, files: Readonly<Record<string, string>> = {}): readonly Directive[] {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), content);
    }
    return parseDirectives(text, join(dir, 'main.conf'));
  }

  it('puts the directives of a file in its place, at root and in a block', () => {
    const tree = parse('a;include b.conf;v{include b.conf;}z;', { 'b.conf': 'b;c{d;}' });
    assert.equal(draw(tree), 'a;b;c{d;}v{b;c{d;}}z;');
  });

  it('knows file and line of what it included', () => {
    const [directive] = parse('\n\ninclude sub/b.conf;', { 'sub/b.conf': '\nb;' });
    assert.deepEqual([directive?.file, directive?.line], [join(dir, 'sub/b.conf'), 2]);
  });

  it('resolves a relative name from the file that includes', () => {
    const tree = parse('include sub/b.conf;', {
      'sub/b.conf': 'include c.conf;',
      'sub/c.conf': 'c;',
    });
    assert.equal(draw(tree), 'c;');
  });

  it('reads the files of a pattern in the order of their names, hidden ones left out', () => {
    const files = { 'd/2.conf': 'two;', 'd/1.conf': 'one;', 'd/x.txt': 'no;', 'd/.3.conf': 'no;' };
    assert.equal(draw(parse('include d/*.conf;', files)), 'one;two;');
  });

  it('matches * and ? in folders and names alike', () => {
    const files = {
      'd1/a.conf': 'a;',
      'd2/a.conf': 'b;',
      'd10/a.conf': 'no;',
      'd1/bb.conf': 'no;',
    };
    assert.equal(draw(parse('include d?/?.co*;', files)), 'a;b;');
    assert.equal(draw(parse(`include ${dir}/*1*/*b*.conf;`, files)), 'no;');
    assert.equal(draw(parse('include d1/*nf*;', files)), 'a;no;');
  });

  it('accepts a pattern that matches nothing, and an empty file', () => {
    assert.equal(draw(parse('include none/*.conf;include e.conf;a;', { 'e.conf': '' })), 'a;');
  });

  it('refuses a file that is missing, at the place of the include', () => {
    const file = join(dir, 'none.conf');
    const at = `${join(dir, 'main.conf')}:2`;
    const message = `${at}: open conf file ${file} error: no such file or directory`;
    refuses(() => parse('a;\ninclude none.conf;'), message, 1042);
  });

  it('refuses a directory', () => {
    mkdirSync(join(dir, 'sub'));
    refuses(() => parse('include sub;'), /expected a file, it is a directory$/, 1044);
  });

  it('reports what is wrong in the included file, there', () => {
    const at = join(dir, 'b.conf');
    refuses(() => parse('include b.conf;', { 'b.conf': 'a;\n;' }), new RegExp(`^${at}:2: `));
    refuses(() => parse('v { include b.conf;', { 'b.conf': '}' }), new RegExp(`^${at}:1: `), 1026);
  });

  it('refuses a file that includes itself, also through a link', () => {
    refuses(() => parse('include a.conf;', { 'a.conf': 'include ./a.conf;' }), /by itself$/);
    symlinkSync(join(dir, 'a.conf'), join(dir, 'link.conf'));
    refuses(() => parse('include a.conf;', { 'a.conf': 'include link.conf;' }), /by itself$/);
  });

  it('allows the same file twice, one after the other', () => {
    assert.equal(draw(parse('include b.conf;include b.conf;', { 'b.conf': 'b;' })), 'b;b;');
  });

  it('limits how deep files include each other', () => {
    const files: Record<string, string> = {};
    for (let i = 1; i < 20; i++) files[`${i}.conf`] = `include ${i + 1}.conf;`;
    refuses(() => parse('include 1.conf;', files), /nested too deep, must be at most 16 files$/);
  });

  it('limits how many files are included', () => {
    const text = 'include b.conf;'.repeat(1025);
    refuses(() => parse(text, { 'b.conf': '' }), /too many files included, must be at most 1024$/);
  });
});
