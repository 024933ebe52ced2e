import assert from 'node:assert/strict';

import { Config, ConfigError } from '../../../../src/app/config/config';

const LONG = 'secret 0123456789abcdef;';

const parse = (auth: string): Config =>
  Config.parse(`listen 1;\nvhost a {\nauth {\n${auth}\n} }`, 'a.conf');

describe('the rules between keys, secrets and actions', () => {
  const failures: readonly (readonly [string, string, string])[] = [
    ['no rule at all, which would let everybody in', 'enabled on;', ':3: vhost a auth is enabled, expecting a key, or a secret and signed'], // prettier-ignore
    ['secrets that nothing is signed with', `enabled on; ${LONG}`, ':3: vhost a auth is enabled, expecting a key, or a secret and signed'], // prettier-ignore
    ['signatures without a secret', 'enabled on;\nsigned play;', ':5: vhost a auth: signed needs a secret'], // prettier-ignore
    ['an empty key', 'enabled on;\nkey play "";', ':5: directive vhost a auth key expects a second value that must be a key'], // prettier-ignore
    ['an empty secret', 'enabled on; signed play;\nsecret "";', ':5: directive vhost a auth secret expects a value, must be a secret'], // prettier-ignore
    // What stands in the wrong place may be the key: it is not repeated.
    ['a key before its action', 'key hush-hush publish;', ':4: directive vhost a auth key expects a first value that must be one of publish, play'], // prettier-ignore
    ['an action without a key', 'key publish;', ':4: directive vhost a auth key expects a second value that must be a key'], // prettier-ignore
    ['a key after its stream', 'key publish live/s hush-hush;', ':4: directive vhost a auth key expects a third value that must be app/stream, or app/* for all streams of an app'], // prettier-ignore
    ['a fourth word', 'key publish hush-hush live/s more;', ':4: directive vhost a auth key has too many values, is a ; missing?'], // prettier-ignore
    ['a block', 'key publish hush-hush { }', ':4: directive vhost a auth key takes no block'],
    ['an app without a stream', 'key publish hush-hush live/;', ':4: directive vhost a auth key expects a third value that must be app/stream, or app/* for all streams of an app'], // prettier-ignore
  ];
  for (const [what, auth, message] of failures) {
    it(`refuse ${what}`, () => {
      assert.throws(
        () => parse(auth),
        (error) => {
          assert.ok(error instanceof ConfigError);
          assert.equal(error.message, `a.conf${message}`);
          return true;
        },
      );
    });
  }

  const warnings: readonly (readonly [string, string, string])[] = [
    ['a short secret', 'enabled on; signed play;\nsecret 0123456789abcde;', ':5: vhost a auth: a secret has less than 16 characters and can be guessed'], // prettier-ignore
    ['a secret without use', `enabled on; key play the-long-key;\n${LONG}`, ':5: vhost a auth: a secret has no effect without signed'], // prettier-ignore
    ['a key that is given twice', 'enabled on; key play the-long-key;\nkey play the-long-key;', ':5: vhost a auth: a key to play is given twice'], // prettier-ignore
    ['a short key', 'enabled on; key play 1234567;', ':4: vhost a auth: a key has less than 8 characters and can be guessed'], // prettier-ignore
    ['a key that a URL would have to encode', 'enabled on; key play "the&long+key";', ':4: vhost a auth: a key has other characters than letters, digits and -._~'], // prettier-ignore
    ['streams that are left open', 'enabled on; key publish the-long-key live/s;', ':3: vhost a auth: streams without a key to publish can be published by everybody, expecting a key for all of them, too'], // prettier-ignore
  ];
  for (const [what, auth, warning] of warnings) {
    it(`warn of ${what}`, () => {
      assert.deepEqual(parse(auth).warnings, [`a.conf${warning}`]);
    });
  }

  const silent: readonly string[] = [
    `enabled on; ${LONG} signed play publish;`,
    'enabled on; key play the-long-key; key publish the-long-key;',
    'enabled on; key play the-long-key live/a; key play the-long-key live/b;',
    'enabled on; key publish the-long-key live/a; key publish another-key;',
    `enabled on; key publish the-long-key live/a; ${LONG} signed publish;`,
    // Whatever it says, it is off.
    'enabled off; signed play; key play short;',
  ];
  for (const auth of silent) {
    it(`say nothing of "${auth}"`, () => {
      assert.deepEqual(parse(auth).warnings, []);
    });
  }

  it('say nothing of a vhost that is off', () => {
    const text = 'listen 1; vhost a { enabled off; auth { enabled on; } }';
    assert.deepEqual(Config.parse(text, 'a.conf').warnings, []);
  });

  it('repeat no secret', () => {
    const { warnings: lines } = parse('enabled on; key play short; secret hush; signed play;');
    assert.equal(lines.length, 2);
    for (const line of lines) assert.doesNotMatch(line, /short|hush/);
  });
});
