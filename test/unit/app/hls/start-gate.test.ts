import assert from 'node:assert/strict';

import { StartGate } from '../../../../src/app/hls/start-gate';
import type { MediaFrame } from '../../../../src/media/track';

/** `40k` a key frame at 40 ms, `40v` another picture, `40a` sound. */
function frame(text: string, bytes = 1): MediaFrame {
  const kind = text.endsWith('a') ? 'audio' : 'video';
  const timestamp = Number.parseInt(text, 10);
  return {
    kind,
    timestamp,
    compositionMs: 0,
    isKey: !text.endsWith('v'),
    data: Buffer.alloc(bytes),
  };
}

/** What passes at each frame, as `40k,40a`. */
function offer(gate: StartGate, frames: string, bytes = 1): string[] {
  return frames.split(' ').map((text) => {
    const passed = gate.offer(frame(text, bytes));
    return passed
      .map((next) => `${next.timestamp}${next.kind === 'audio' ? 'a' : next.isKey ? 'k' : 'v'}`)
      .join();
  });
}

function gateOf(known: string, named?: boolean): StartGate {
  const gate = new StartGate(true, { audio: named, video: named });
  if (known.includes('a')) gate.settle('audio', true);
  if (known.includes('v')) gate.settle('video', true);
  return gate;
}

describe('app/hls/start-gate', () => {
  it('opens at the key frame when both tracks are known', () => {
    assert.deepEqual(offer(gateOf('av'), '0k 0a 40v'), ['0k', '0a', '40v']);
    assert.deepEqual(offer(gateOf('av'), '0v 0a 40v 80k 80a'), ['', '', '', '80k', '80a']);
  });

  it('keeps sound that came before its key frame', () => {
    const gate = gateOf('av');
    gate.isReady = false;
    assert.deepEqual(offer(gate, '60a 100a 80k'), ['', '', '']);
    gate.isReady = true;
    assert.deepEqual(offer(gate, '120v'), ['80k,100a,120v']);
  });

  it('waits for the second track, longest when the metadata names it', () => {
    assert.deepEqual(offer(gateOf('a'), '0a 299a 300a 310a'), ['', '', '0a,299a,300a', '310a']);
    assert.deepEqual(offer(gateOf('a', true), '0a 999a 1000a'), ['', '', '0a,999a,1000a']);
    assert.deepEqual(offer(gateOf('a', false), '0a 100a'), ['', '0a,100a']);
    assert.deepEqual(offer(gateOf('v'), '0k 40v 300v'), ['', '', '0k,40v,300v']);
  });

  it('does not wait for a track that is not wanted', () => {
    const gate = gateOf('a');
    gate.settle('video', false);
    assert.deepEqual(offer(gate, '0a'), ['0a']);
  });

  it('goes on without a key frame, or without pictures, after a while', () => {
    const pictures = offer(gateOf('av'), '0v 5000v 9999v 10000v');
    assert.deepEqual(pictures, ['', '', '', '10000v']);
    assert.deepEqual(offer(gateOf('av'), '0a 1999a 2000a'), ['', '', '0a,1999a,2000a']);
  });

  it('begins its wait anew after a jump', () => {
    const gate = gateOf('a');
    assert.deepEqual(offer(gate, '0a 200a'), ['', '']);
    gate.restart();
    assert.deepEqual(offer(gate, '9000a 9299a 9300a'), ['', '', '9000a,9299a,9300a']);
    gate.restart();
    assert.deepEqual(offer(gate, '5a'), ['5a']);
  });

  it('holds no more than it may', () => {
    const gate = gateOf('av');
    gate.isReady = false;
    offer(gate, '0k 40v 80v', 12 * 1024 * 1024);
    gate.isReady = true;
    assert.deepEqual(offer(gate, '120v 160k'), ['', '160k']);
  });

  it('is told by the metadata what to expect', () => {
    const gate = gateOf('a');
    gate.expect('video', true);
    assert.deepEqual(offer(gate, '0a 300a'), ['', '']);
  });
});
