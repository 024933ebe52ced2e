import assert from 'node:assert/strict';

import { Config } from '../../../src/app/config/config';
import type { VhostOptions } from '../../../src/app/config/config';
import type { StreamSink } from '../../../src/app/stream/sink';
import type { Source } from '../../../src/app/stream/source';
import { StreamSinks } from '../../../src/app/stream-sinks';

function vhost(options: string): VhostOptions {
  return Config.parse(`listen 1935; vhost a.com { ${options} }`, 'test.conf').vhosts[0]!;
}

describe('app/stream-sinks', () => {
  let calls: string[];
  let sinks: StreamSinks;
  let source: Source;

  beforeEach(() => {
    calls = [];
    let made = 0;
    const maker = (kind: string): { sinkFor: () => StreamSink } => ({
      sinkFor: () => ({ name: `${kind} ${++made}` }) as StreamSink,
    });
    sinks = new StreamSinks({ hls: maker('hls'), dvr: maker('dvr') });
    source = {
      name: { vhost: 'a.com', app: 'live', stream: 's' },
      addSink: ({ name }: StreamSink) => calls.push(`add ${name}`),
      removeSink: ({ name }: StreamSink) => calls.push(`remove ${name}`),
    } as unknown as Source;
  });

  it('gives a stream the readers its vhost asks for', () => {
    sinks.apply(source, vhost(''));
    assert.deepEqual(calls, []);
    sinks.apply(source, vhost('hls { enabled on; } dvr { enabled on; }'));
    assert.deepEqual(calls, ['add hls 1', 'add dvr 2']);
  });

  it('replaces the one whose options have changed, and no other', () => {
    sinks.apply(source, vhost('hls { enabled on; } dvr { enabled on; }'));
    sinks.apply(source, vhost('hls { enabled on; } dvr { enabled on; } queue_length 5;'));
    assert.equal(calls.length, 2);
    sinks.apply(source, vhost('hls { enabled on; hls_fragment 5; } dvr { enabled on; }'));
    assert.deepEqual(calls.slice(2), ['remove hls 1', 'add hls 3']);
  });

  it('looks only at the kinds it is asked to', () => {
    sinks.apply(source, vhost('hls { enabled on; } dvr { enabled on; }'), ['dvr']);
    assert.deepEqual(calls, ['add dvr 1']);
  });

  it('takes away what is switched off, once', () => {
    sinks.apply(source, vhost('hls { enabled on; } dvr { enabled on; }'));
    sinks.apply(source, vhost('hls { enabled on; }'));
    sinks.apply(source, vhost('hls { enabled on; }'));
    assert.deepEqual(calls.slice(2), ['remove dvr 2']);
    sinks.end(source);
    sinks.end(source);
    assert.deepEqual(calls.slice(3), ['remove hls 1']);
  });

  it('keeps the readers of one stream apart from those of another', () => {
    const other = Object.create(source) as Source;
    sinks.apply(source, vhost('hls { enabled on; }'));
    sinks.apply(other, vhost('hls { enabled on; }'));
    sinks.end(other);
    assert.deepEqual(calls, ['add hls 1', 'add hls 2', 'remove hls 2']);
  });
});
