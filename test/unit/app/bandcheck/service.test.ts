import assert from 'node:assert/strict';

import type { Refusal } from '../../../../src/app/access/access';
import { BandcheckService } from '../../../../src/app/bandcheck/service';
import { ManualClock } from '../../../support/fakes/manual-clock';
import { identity } from '../../../support/server-harness';

import { FakeTested } from './tested-connection';

const options = { enabled: true, key: 'abc', intervalMs: 30_000, limitKbps: 1000 };

class FakeClient extends FakeTested {
  readonly request: { tcUrl: string; swfUrl: string };
  readonly refusals: Refusal[] = [];

  constructor(tcUrl: string) {
    super();
    this.request = { tcUrl, swfUrl: '' };
  }

  refuse(_action: 'connect', refusal: Refusal): void {
    this.refusals.push(refusal);
  }
}

describe('app/bandcheck/service', () => {
  let clock: ManualClock;
  let service: BandcheckService;

  beforeEach(() => {
    clock = new ManualClock();
    service = new BandcheckService({ clock });
  });

  /** The description of the refusal, or undefined for one that was let in. */
  function ask(tcUrl: string, more: Partial<typeof options> = {}): string | undefined {
    const client = new FakeClient(tcUrl);
    const test = service.begin(client, { ...options, ...more }, identity);
    test?.stop();
    assert.equal(test !== undefined, client.session.isAccepted);
    const [refusal] = client.refusals;
    return refusal && `${refusal.description} ${refusal.status} ${refusal.code}`;
  }

  const good = 'rtmp://host/app?key=abc';
  const rejected = 'bandcheck rejected NetConnection.Connect.Rejected 1033';
  const keyRejected =
    'bandcheck rejected, the key is missing or wrong NetConnection.Connect.Rejected 1032';

  it('lets one in per interval, whatever the vhost', () => {
    assert.equal(ask(good), undefined);
    clock.advance(29_999);
    assert.equal(ask(good), rejected);
    assert.equal(ask('rtmp://host/app', { key: '' }), rejected);
    assert.equal(ask('rtmp://host/app', { key: '', intervalMs: 20_000 }), undefined);
    clock.advance(29_999);
    assert.equal(ask(good), rejected);
    clock.advance(1);
    assert.equal(ask(good), undefined);
  });

  it('lets everybody in without an interval', () => {
    assert.equal(ask(good, { intervalMs: 0 }), undefined);
    assert.equal(ask(good, { intervalMs: 0 }), undefined);
  });

  it('refuses who has no key, which costs nobody an interval', () => {
    assert.equal(ask('rtmp://host/app?key=wrong'), keyRejected);
    assert.equal(ask('rtmp://host/app'), keyRejected);
    assert.equal(ask(good), undefined);
    clock.advance(29_999);
    assert.equal(ask('rtmp://host/app'), keyRejected);
    clock.advance(1);
    assert.equal(ask(good), undefined);
  });

  it('tells the limit of the vhost, and three seconds each way', () => {
    const client = new FakeClient(good);
    service.begin(client, { ...options, limitKbps: 250 }, identity)?.stop();
    const data = { limit_kbps: 250, duration_ms: 3000, interval_ms: 0 };
    assert.deepEqual(client.steps, [['onSrsBandCheckStartPlayBytes', data]]);
  });
});
