import assert from 'node:assert/strict';

import { announceAddress } from '../../../../src/app/registry/announce-address';

describe('announceAddress', () => {
  const cases: [string, string, number, string][] = [
    ['', '10.0.0.7', 1935, '10.0.0.7:1935'],
    ['', 'fd00::7', 1935, '[fd00::7]:1935'],
    ['origin.example', '10.0.0.7', 1936, 'origin.example:1936'],
    ['origin.example:19350', '10.0.0.7', 1935, 'origin.example:19350'],
    ['[fd00::8]:19350', '10.0.0.7', 1935, '[fd00::8]:19350'],
    ['[fd00::8]', '10.0.0.7', 1935, '[fd00::8]:1935'],
    ['', '10.0.0.7', 0, ''],
    ['origin.example:1935', '', 0, 'origin.example:1935'],
    ['', '', 1935, ''],
  ];
  for (const [configured, own, port, address] of cases) {
    it(`is "${address}" for "${configured}" on ${own} port ${port}`, () => {
      assert.equal(announceAddress(configured, own, port), address);
    });
  }
});
