import assert from 'node:assert/strict';

import { ConfigError } from '../../../../src/app/config/config-error';
import { Lexer } from '../../../../src/app/config/lexer';

/** All tokens of a text as `kind:text@line`, without the final `end`. */
function tokens(text: string): string[] {
  const lexer = new Lexer(text, 'a.conf');
  const found: string[] = [];
  for (let token = lexer.next(); token.kind !== 'end'; token = lexer.next()) {
    found.push(`${token.kind}:${token.text}@${token.line}`);
  }
  return found;
}

describe('the config lexer', () => {
  const cases: readonly [string, string, string[]][] = [
    [
      'splits at white space',
      'a \t b\r\nc;',
      ['word:a@1', 'word:b@1', 'word:c@2', 'semicolon:;@2'],
    ],
    ['ends a word at ; and {', 'v{a;', ['word:v@1', 'open:{@1', 'word:a@1', 'semicolon:;@1']],
    ['keeps } inside a word', 'a};', ['word:a}@1', 'semicolon:;@1']],
    ['reads } where a token starts', 'a;}', ['word:a@1', 'semicolon:;@1', 'close:}@1']],
    ['drops a comment up to the end of the line', '# a;{\nb;', ['word:b@2', 'semicolon:;@2']],
    ['drops a comment at the end of the file', 'a;# b', ['word:a@1', 'semicolon:;@1']],
    ['keeps # inside a word', 'a#b;', ['word:a#b@1', 'semicolon:;@1']],
    ['keeps quotes inside a word', 'a"b\'c;', ['word:a"b\'c@1', 'semicolon:;@1']],
    ['takes ;{}# and the other quote literally in quotes', '"a;{}#\'";', ["word:a;{}#'@1", 'semicolon:;@1']], // prettier-ignore
    ['has no escapes', "'a\\';", ['word:a\\@1', 'semicolon:;@1']],
    ['counts lines inside quotes', '"a\nb" c;', ['word:a\nb@1', 'word:c@2', 'semicolon:;@2']],
    ['counts lines in comments and blanks', '\n#x\n\n  a;', ['word:a@4', 'semicolon:;@4']],
    ['returns an empty quoted word', '"";', ['word:@1', 'semicolon:;@1']],
    ['skips a byte order mark', '\ufeffa;', ['word:a@1', 'semicolon:;@1']],
    ['has nothing to say of an empty text', '', []],
    ['keeps text beyond ASCII', 'ü.com 流;', ['word:ü.com@1', 'word:流@1', 'semicolon:;@1']],
  ];
  for (const [name, text, expected] of cases) {
    it(name, () => {
      assert.deepEqual(tokens(text), expected);
    });
  }

  it('returns the end again and again', () => {
    const lexer = new Lexer('\n', 'a.conf');
    assert.deepEqual([lexer.next().kind, lexer.next().kind], ['end', 'end']);
  });

  const failures: readonly [string, string, string][] = [
    [
      'a word that the file ends in',
      'a;\nb',
      'a.conf:2: unexpected end of file, expecting ; or "}"',
    ],
    ['a quote that is not closed', 'a\n"b\nc', 'a.conf:3: unexpected end of file, expecting ; or "}" (the quote of line 2 is not closed)'], // prettier-ignore
    [
      'a file that ends after a quote',
      '"a"',
      'a.conf:1: unexpected end of file, expecting ; or "}"',
    ],
    ['a word right after a quote', '"a"b;', "a.conf:1: unexpected 'b', expecting white space, ; or { after the closing quote"], // prettier-ignore
    ['a } right after a quote', '"a"}', "a.conf:1: unexpected '}', expecting white space, ; or { after the closing quote"], // prettier-ignore
    ['a NUL byte', 'a\0b;', 'a.conf:1: unexpected NUL byte in a word'],
    ['a NUL byte in quotes', '"\0";', 'a.conf:1: unexpected NUL byte in a word'],
  ];
  for (const [name, text, message] of failures) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => tokens(text),
        (error) => error instanceof ConfigError && error.message === message && error.code === 1023,
      );
    });
  }
});
