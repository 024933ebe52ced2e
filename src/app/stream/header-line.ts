/** Owns the log line on a new decoder configuration. */
import { describeAudioHeader, describeVideoHeader } from '../../media/codec';
import type { AudioDescription, VideoDescription } from '../../media/codec-description';

const VIDEO = 9;

/** `NB video sh, codec(...)`, or `audio`; a body that is not understood is named, never refused. */
export function describeHeader(type: number, body: Uint8Array): string {
  const kind = type === VIDEO ? 'video' : 'audio';
  const facts =
    type === VIDEO
      ? videoFacts(describeVideoHeader(body, 0, body.length))
      : audioFacts(describeAudioHeader(body, 0, body.length));
  return `${body.length}B ${kind} sh, codec(${facts})`;
}

function videoFacts(video: VideoDescription | undefined): string {
  if (!video) return 'not understood';
  const { codec, codecId, profile, level, width, height, fps } = video;
  return join([
    codecId === 0 ? '' : `${codecId}`,
    codec,
    profile === '' ? '' : `profile=${profile}`,
    level === '' ? '' : `level=${level}`,
    width === 0 ? '' : `${width}x${height}`,
    fps === 0 ? '' : `${Number(fps.toFixed(3))}fps`,
  ]);
}

function audioFacts(audio: AudioDescription | undefined): string {
  if (!audio) return 'not understood';
  const { codec, codecId, profile, sampleRate, channels } = audio;
  return join([
    `${codecId}`,
    codec,
    profile === '' ? '' : `profile=${profile}`,
    channels === 0 ? '' : `${channels}channels`,
    sampleRate === 0 ? '' : `${sampleRate}HZ`,
  ]);
}

function join(facts: readonly string[]): string {
  return facts.filter((fact) => fact !== '').join(', ');
}
