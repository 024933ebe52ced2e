import assert from 'node:assert/strict';

import { element, optionalElement, xmlText } from '../../../../../src/app/http/api/xml-text';

describe('the text of XML', () => {
  it('is escaped', () => {
    assert.equal(xmlText(`<a href="x">&'`), '&lt;a href=&quot;x&quot;&gt;&amp;&apos;');
  });

  it('loses control characters, halves of pairs and what is no character', () => {
    const half = String.fromCharCode(0xdc00);
    assert.equal(xmlText(`a\0b\u001bc\r\n\td\u007f\u0085${half}\ufffe\uffffe`), 'abcde');
  });

  it('keeps letters of all languages, and whole pairs', () => {
    assert.equal(xmlText('é 直播 😀'), 'é 直播 😀');
  });

  it('is cut to 1024 characters, and never in the middle of one', () => {
    assert.equal(xmlText('x'.repeat(5000)), 'x'.repeat(1024));
    assert.equal(xmlText(`${'x'.repeat(1023)}😀`), 'x'.repeat(1023));
  });

  it('stands in an element, or in none when there is none', () => {
    assert.equal(element('a', 'x&y'), '<a>x&amp;y</a>');
    assert.equal(element('a', 12), '<a>12</a>');
    assert.equal(element('a', ''), '<a></a>');
    assert.equal(optionalElement('a', ''), '');
    assert.equal(optionalElement('a', 'b'), '<a>b</a>');
  });
});
