import assert from 'node:assert/strict';

import { AmfObject } from '../../../../src/rtmp/amf0-value';
import type { RtmpRequest } from '../../../../src/rtmp/request';
import { FakeSocket } from '../../../support/fakes/fake-socket';

import { createSource, FakePublisher } from './harness';

const request = (streamParam: string): RtmpRequest => ({ streamParam }) as RtmpRequest;

describe('Source, those who want it', () => {
  it('tells of each want, and when the last has ended', () => {
    const { source } = createSource();
    const told: string[] = [];
    const unobserve = source.observe({
      onWanted: ({ streamParam }) => told.push(`wanted ${streamParam}`),
      onUnwanted: () => told.push('unwanted'),
    });
    const first = source.want(request('?a'));
    const second = source.want(request('?b'));
    assert.ok(source.isWanted);
    first();
    first();
    assert.ok(source.isWanted);
    second();
    assert.ok(!source.isWanted);
    assert.equal(source.wantedBy?.streamParam, '?b');
    unobserve();
    source.want(request('?c'))();
    assert.deepEqual(told, ['wanted ?a', 'wanted ?b', 'unwanted']);
  });

  it('is not idle while somebody wants it', () => {
    const { source } = createSource();
    const end = source.want(request(''));
    assert.ok(!source.isIdle);
    end();
    assert.ok(source.isIdle);
  });

  it('counts a relay as no player, and does not stay for it', () => {
    const { source, log } = createSource();
    const { asSocket } = new FakeSocket();
    source.attachRelay(asSocket, 1, 0);
    assert.equal(source.players, 0);
    assert.ok(source.isIdle);
    assert.deepEqual([...log.players], [asSocket]);
    source.detachRelay(asSocket);
    assert.deepEqual([...log.players], []);
  });

  it('tells of metadata as its players get it', () => {
    const { source } = createSource();
    const widths: unknown[] = [];
    source.observe({ onMetadata: (metadata) => widths.push(metadata.number('width')) });
    source.acquire(new FakePublisher(100));
    source.setMetadata(0, AmfObject.of({ width: 320 }));
    assert.deepEqual(widths, [320]);
  });
});
