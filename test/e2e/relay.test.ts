/** Media through the server: what other people's players record is what other people's publishers sent. */
import assert from 'node:assert/strict';

import { packetLines, packetsOf, tagLines, tagsOf } from './support/media';
import type { Program } from './support/program';
import { due, publish, recordAll, recorderNames } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import type { SourceName } from './support/sources';
import { Srs } from './support/srs';

const SOURCES: readonly SourceName[] = [
  'h264-aac.flv',
  'h264-b-frames-aac.flv',
  'h264-mp3.flv',
  'h264.flv',
  'aac.flv',
  'mp3.flv',
  'sorenson-mp3.flv',
];

/** The stream under which a source is published. */
const streamOf = (name: string): string => name.replace('.flv', '');

describe('relay', () => {
  let sandbox: Sandbox;

  beforeEach(() => {
    sandbox = new Sandbox();
  });

  afterEach(() => sandbox.close());

  describe('of what ffmpeg publishes', () => {
    let shared: Sandbox;

    // All sources at a time, each to all recorders, which are there before the first packet.
    before(async () => {
      shared = new Sandbox();
      const server = await Srs.start(shared);
      const recorders: Program[] = [];
      for (const name of SOURCES) {
        await source(name);
        recorders.push(...(await recordAll(shared, server, streamOf(name))));
      }
      const publishers = await Promise.all(
        SOURCES.map(async (name) =>
          publish(shared, await source(name), server.url(streamOf(name))),
        ),
      );
      await Promise.all(publishers.map((publisher) => publisher.succeeds()));
      await server.hasUnpublished(SOURCES.length);
      await server.stop();
      await Promise.all(recorders.map((recorder) => recorder.ended));
    });

    after(() => shared.close());

    for (const name of SOURCES) {
      for (const recorder of recorderNames) {
        const file = `${streamOf(name)}.${recorder}.flv`;

        it(`${recorder} gets the packets of ${name} with their times`, async () => {
          const [sent, received] = await Promise.all([
            packetsOf(await source(name)),
            packetsOf(shared.path(file)),
          ]);
          for (const kind of ['video', 'audio']) {
            const lines = packetLines(received, kind);
            assert.deepEqual(lines, due(recorder, packetLines(sent, kind), lines.length));
          }
          assert.ok(sent.length > 70);
        });

        // ffmpeg writes tags of its own; the others write what they were sent.
        if (recorder === 'ffmpeg') continue;
        it(`${recorder} gets the tags of ${name} byte by byte`, async () => {
          const sent = tagLines(tagsOf(await source(name)));
          const received = tagLines(tagsOf(shared.path(file)));
          assert.deepEqual(received, due(recorder, sent, received.length));
        });
      }
    }
  });

  it('takes what gstreamer publishes', async () => {
    const server = await Srs.start(sandbox);
    const file = await source('h264-b-frames-aac.flv');
    const [recorder] = await recordAll(sandbox, server, 'g', ['rtmpdump']);
    const pipeline = [
      ...['filesrc', `location=${file}`, '!', 'flvdemux', 'name=d'],
      ...['flvmux', 'name=m', 'streamable=true', '!', 'tee', 'name=t'],
      ...['t.', '!', 'queue', '!', 'rtmp2sink', `location=${server.url('g')}`],
      ...['t.', '!', 'queue', '!', 'filesink', `location=${sandbox.path('sent.flv')}`],
      ...['d.video', '!', 'queue', '!', 'h264parse', '!', 'm.video'],
      ...['d.audio', '!', 'queue', '!', 'aacparse', '!', 'm.audio'],
    ];
    await sandbox.start('gst-launch-1.0', ['-q', ...pipeline]).succeeds();
    await server.hasUnpublished();
    await server.stop();
    await recorder?.ended;
    const sent = tagLines(tagsOf(sandbox.path('sent.flv')));
    assert.deepEqual(tagLines(tagsOf(sandbox.path('g.rtmpdump.flv'))), sent);
    assert.ok(sent.length > 150);
  });

  it('lets ffplay play without a complaint', async () => {
    const server = await Srs.start(sandbox);
    const env = { ...process.env, SDL_VIDEODRIVER: 'dummy', SDL_AUDIODRIVER: 'dummy' };
    const player = sandbox.start(
      'ffplay',
      ['-v', 'error', '-nostats', '-autoexit', server.url('p')],
      { env },
    );
    await server.hasPlayers('p');
    await publish(sandbox, await source('h264-b-frames-aac.flv'), server.url('p')).succeeds();
    await server.hasUnpublished();
    await server.stop();
    const { stderr } = await player.succeeds();
    assert.equal(stderr, '');
  });
});
