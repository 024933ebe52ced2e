import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';

import { isOwnPage } from '../../../../../src/app/http/api/caller';

describe('the page behind a request', () => {
  const host = 'srs.test:1985';
  const cases: [string, IncomingHttpHeaders, boolean | undefined][] = [
    ['nobody, when nothing says so', {}, undefined],
    ['ours by its origin', { origin: 'http://srs.test:1985' }, true],
    ['ours by its origin over TLS, in any case', { origin: 'https://SRS.test:1985' }, true],
    ['another by its port', { origin: 'http://srs.test:8080' }, false],
    ['another by its name', { origin: 'http://srs.test.evil.test:1985' }, false],
    ['another when it has no origin to tell', { origin: 'null' }, false],
    ['another when its origin is no url', { origin: 'srs.test' }, false],
    ['ours by the address it came from', { referer: 'http://srs.test:1985/console/a?b' }, true],
    ['another by the address it came from', { referer: 'http://evil.test/srs.test:1985' }, false],
    ['what the browser says of the site', { 'sec-fetch-site': 'same-origin' }, true],
    ['the user, who typed it', { 'sec-fetch-site': 'none' }, true],
    [
      'another of the same site, whatever else is said',
      { 'sec-fetch-site': 'same-site', referer: 'http://srs.test:1985/' },
      false,
    ],
    [
      'another by its origin, whatever address is told',
      { origin: 'http://evil.test', referer: 'http://srs.test:1985/' },
      false,
    ],
  ];
  for (const [name, headers, expected] of cases) {
    it(`is ${name}`, () => {
      assert.equal(isOwnPage({ host, ...headers }), expected);
    });
  }

  it('is never ours where the request names no host', () => {
    assert.equal(isOwnPage({ origin: 'null' }), false);
    assert.equal(isOwnPage({ origin: 'http://srs.test' }), false);
  });
});
