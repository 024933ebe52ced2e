import assert from 'node:assert/strict';

import fc from 'fast-check';

import { MAX_PROXY_HEADER, readProxyHeader } from '../../../src/net/proxy-protocol';

import { headers, malformedHeaders, otherStarts, v2 } from './proxy-protocol.cases';

describe('a PROXY header', () => {
  for (const [what, bytes, client] of headers) {
    it(`${what} tells of ${client ?? 'nobody'}, wherever it is cut`, () => {
      for (let length = 0; length < bytes.length; length++) {
        assert.equal(readProxyHeader(bytes.subarray(0, length)).kind, 'partial');
      }
      for (const rest of ['', 'x', 'PROXY TCP4 9.9.9.9 9.9.9.9 9 9\r\n']) {
        const header = readProxyHeader(Buffer.concat([bytes, Buffer.from(rest)]));
        assert.ok(header.kind === 'header');
        assert.equal(header.length, bytes.length);
        const told = header.client && `${header.client.address} ${header.client.port}`;
        assert.equal(told, client);
      }
      assert.ok(bytes.length <= MAX_PROXY_HEADER);
    });
  }

  for (const [what, bytes] of malformedHeaders) {
    it(`is not one with ${what}, and it is known by its last byte`, () => {
      const header = readProxyHeader(bytes);
      assert.ok(header.kind === 'malformed');
      assert.match(header.reason, /^expect .+, got "/);
    });
  }

  for (const [what, bytes] of otherStarts) {
    it(`is not looked for in what begins as ${what}`, () => {
      assert.equal(readProxyHeader(bytes).kind, 'none');
    });
  }

  it('is waited for as long as nothing has come', () => {
    assert.equal(readProxyHeader(Buffer.alloc(0)).kind, 'partial');
  });

  it('is read whatever the bytes are', () => {
    const noise = fc.uint8Array({ maxLength: 300 });
    const start = fc.constantFrom(
      Buffer.alloc(0),
      Buffer.from('PROXY '),
      Buffer.from('PROXY TCP4 1.2.3.4 '),
      Buffer.from('PROXY TCP6 ::'),
      v2(0x21, 0x11, Buffer.alloc(0)).subarray(0, 13),
    );
    fc.assert(
      fc.property(start, noise, (before, after) => {
        const bytes = Buffer.concat([before, after]);
        const header = readProxyHeader(bytes);
        if (header.kind === 'header') assert.ok(header.length <= bytes.length);
        if (header.kind === 'partial') assert.ok(bytes.length < MAX_PROXY_HEADER);
      }),
      { numRuns: 2000 },
    );
  });

  it('once it is known for what it is, more bytes do not change it', () => {
    const all = [...headers, ...malformedHeaders].map(([, bytes]) => bytes);
    for (const bytes of all) {
      const { kind } = readProxyHeader(bytes);
      const longer = Buffer.concat([bytes, Buffer.alloc(50, 0x0a)]);
      assert.equal(readProxyHeader(longer).kind, kind);
    }
  });
});
