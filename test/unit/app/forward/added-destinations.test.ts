import assert from 'node:assert/strict';

import { AddedDestinations } from '../../../../src/app/forward/added-destinations';
import type { ForwardWish } from '../../../../src/app/forward/added-destinations';
import { ErrorCode } from '../../../../src/core/errors';

const wish: ForwardWish = { vhost: 'a.com', app: 'live', stream: 's', url: 'rtmp://b.test/x/KEY' };

describe('the destinations that operators add', () => {
  let added: AddedDestinations;
  let lastId: number;

  beforeEach(() => {
    added = new AddedDestinations();
    lastId = 100;
  });

  const add = (changes: Partial<ForwardWish> = {}): number =>
    added.add({ ...wish, ...changes }, () => ++lastId, 7).id;
  const idsOf = (vhost: string, app: string, stream: string): number[] =>
    added.of({ vhost, app, stream }).map(({ id }) => id);

  it('are shown without the key', () => {
    add();
    const [one] = added;
    assert.deepEqual(one, { ...wish, id: 101, label: 'rtmp://b.test/x/***', addedMs: 7 });
  });

  it('fit streams by their names, or all of an app, a vhost', () => {
    const [one, ofApp, ofVhost] = [add(), add({ stream: '*' }), add({ app: '*', stream: '*' })];
    const everyApp = add({ app: '*' });
    assert.deepEqual(idsOf('a.com', 'live', 's'), [one, ofApp, ofVhost, everyApp]);
    assert.deepEqual(idsOf('a.com', 'live', 't'), [ofApp, ofVhost]);
    assert.deepEqual(idsOf('a.com', 'x', 's'), [ofVhost, everyApp]);
    assert.deepEqual(idsOf('b.com', 'live', 's'), []);
  });

  it('keep their id when they are added again, and lose it when they are removed', () => {
    const id = add();
    assert.equal(add(), id);
    assert.notEqual(add({ url: 'c.test' }), id);
    assert.equal(added.remove(id), true);
    assert.equal(added.remove(id), false);
    assert.equal(idsOf('a.com', 'live', 's').length, 1);
    assert.notEqual(add(), id);
  });

  it('are refused when they mean nothing, without the key in the reason', () => {
    for (const url of ['http://b.test/x/KEY', 'rtmp://', 'b.test:0', 'b.test:99999', 'a b', '']) {
      const isBad = (error: unknown): boolean =>
        String(error).includes('expected') &&
        !String(error).includes('KEY') &&
        (error as { code: number }).code === ErrorCode.REQUEST_DATA;
      assert.throws(() => add({ url }), isBad, url);
    }
  });

  it('are a thousand at most', () => {
    for (let index = 0; index < 1000; index++) add({ stream: `s${index}` });
    const refused = { code: ErrorCode.REQUEST_DATA, message: /at most 1000/ };
    assert.throws(() => add({ stream: 'one more' }), refused);
    assert.equal(add({ stream: 's0' }), 101, 'this one is there already');
    added.remove(101);
    add({ stream: 'one more' });
  });
});
