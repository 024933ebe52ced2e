import assert from 'node:assert/strict';

import type { HookSubject } from '../../../../src/app/hooks/payload';
import { Publishers } from '../../../../src/app/hooks/publishers';

const name = { vhost: 'a.com', app: 'live', stream: 'cam' };

function subject(clientId: number, stream = 'cam'): HookSubject {
  const rest = { tcUrl: '', pageUrl: '' };
  return { ...name, ...rest, stream, clientId, ip: `10.0.0.${clientId}`, param: `?n=${clientId}` };
}

describe('the memory of publishers', () => {
  it('knows nobody of a stream that was never published', () => {
    assert.deepEqual(new Publishers().of(name), { clientId: 0, ip: '', param: '' });
  });

  it('knows who publishes, and who did last', () => {
    const publishers = new Publishers();
    publishers.began(subject(1), 1000);
    assert.equal(publishers.of(name).clientId, 1);
    publishers.ended(subject(1));
    const { clientId, ip, param } = publishers.of(name);
    assert.deepEqual({ clientId, ip, param }, { clientId: 1, ip: '10.0.0.1', param: '?n=1' });
  });

  it('knows who published at a time', () => {
    const publishers = new Publishers();
    publishers.began(subject(1), 1000);
    publishers.began(subject(2), 2000);
    publishers.ended(subject(1));
    assert.equal(publishers.of(name, 1500).clientId, 1);
    assert.equal(publishers.of(name, 2000).clientId, 2);
    assert.equal(publishers.of(name).clientId, 2);
    assert.equal(publishers.of(name, 500).clientId, 1);
  });

  it('forgets who was allowed and did not get the stream', () => {
    const publishers = new Publishers();
    publishers.began(subject(1), 1000);
    publishers.began(subject(2), 2000);
    publishers.ended(subject(2));
    assert.equal(publishers.of(name).clientId, 1);
  });

  it('forgets streams of the past when there are more than 1000, those of now never', () => {
    const publishers = new Publishers();
    publishers.began(subject(7, 'live'), 0);
    for (let n = 0; n < 1500; n++) {
      publishers.began(subject(n, `s${n}`), n);
      publishers.ended(subject(n, `s${n}`));
    }
    assert.equal(publishers.size, 1001);
    assert.equal(publishers.of({ ...name, stream: 's499' }).clientId, 0);
    assert.equal(publishers.of({ ...name, stream: 's500' }).clientId, 500);
    assert.equal(publishers.of({ ...name, stream: 'live' }).clientId, 7);
  });
});
