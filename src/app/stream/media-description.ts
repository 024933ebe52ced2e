/** Owns what statistics say of the pictures and the sound of a stream: codec, profile, size, rates. */
import { describeAudioHeader, describeVideoHeader } from '../../media/codec';
import type { AudioDescription, VideoDescription } from '../../media/codec-description';
import { locateTagBody } from '../../media/tag-body';
import { audioTrackOfFrame, isAudioCodec } from '../../media/track-configuration';
import type { AmfObject } from '../../rtmp/amf0-value';
import type { StreamAudio, StreamVideo } from '../stats/stat-types';

import type { StreamMessage } from './sink';
import type { KindCount, StreamMeter } from './stream-meter';

type VideoFacts = Pick<StreamVideo, 'codec' | 'profile' | 'level' | 'width' | 'height' | 'fps'>;
type AudioFacts = Pick<StreamAudio, 'codec' | 'profile' | 'sampleRate' | 'channels'>;

const UNKNOWN_CODEC = 'Other';
/** Names by FourCC, for what has no header that says more. */
const CODEC_NAMES = new Map<string, string>([
  ['avc1', 'H264'],
  ['hvc1', 'HEVC'],
  ['hev1', 'HEVC'],
  ['vvc1', 'VVC'],
  ['av01', 'AV1'],
  ['vp09', 'VP9'],
  ['vp08', 'VP8'],
  ['mp4a', 'AAC'],
  ['.mp3', 'MP3'],
  ['Opus', 'Opus'],
  ['fLaC', 'FLAC'],
  ['ac-3', 'AC-3'],
  ['ec-3', 'E-AC-3'],
]);
/** Profiles of H.264 by profile_idc, as the API of SRS spells them; ISO/IEC 14496-10, A.2. */
const AVC_PROFILES = new Map<number, string>([
  [44, 'High(444+Intra)'],
  [66, 'Baseline'],
  [77, 'Main'],
  [88, 'Extended'],
  [100, 'High'],
  [110, 'High(10)'],
  [122, 'High(422)'],
  [144, 'High(444)'],
  [244, 'High(444+Predictive)'],
]);
/** The same with the constraint flag of that byte set. */
const CONSTRAINED_AVC_PROFILES = new Map<number, { flag: number; name: string }>([
  [66, { flag: 0x40, name: 'Baseline(Constrained)' }],
  [110, { flag: 0x10, name: 'High(10+Intra)' }],
  [122, { flag: 0x10, name: 'High(422+Intra)' }],
  [244, { flag: 0x10, name: 'High(444+Intra)' }],
]);
const AAC_PROFILES: readonly string[] = ['Main', 'HE', 'HEv2', 'LC', 'SSR'];
/** What metadata and headers claim beyond these is not believed. */
const MAX_PIXELS = 0xffff;
const MAX_FPS = 1000;
const MAX_SAMPLE_RATE = 768_000;
const MAX_CHANNELS = 255;

/** Describes one stream; headers are parsed when they are new and somebody asks. */
export class MediaDescription {
  readonly #video = new Latest<VideoFacts>(videoFacts);
  readonly #audio = new Latest<AudioFacts>(audioFacts);

  /** @param header the newest sequence header of the first video track; undefined without pictures */
  video(
    header: StreamMessage | undefined,
    metadata: AmfObject | undefined,
    meter: StreamMeter,
  ): StreamVideo | undefined {
    const body = header?.payload ?? meter.video.head;
    if (body === undefined) return undefined;
    const facts = this.#video.of(body);
    const measured = meter.fps || facts.fps || claim(metadata, 'framerate', MAX_FPS);
    return {
      ...facts,
      width: facts.width || claim(metadata, 'width', MAX_PIXELS),
      height: facts.height || claim(metadata, 'height', MAX_PIXELS),
      fps: Number(within(measured, MAX_FPS).toFixed(2)),
      gopMs: meter.gopMs,
      gopFrames: meter.gopFrames,
      ...counted(meter.video),
    };
  }

  /** The same of the sound. */
  audio(
    header: StreamMessage | undefined,
    metadata: AmfObject | undefined,
    meter: StreamMeter,
  ): StreamAudio | undefined {
    const body = header?.payload ?? meter.audio.head;
    if (body === undefined) return undefined;
    const facts = this.#audio.of(body);
    const { sampleRate, channels } = facts;
    return {
      ...facts,
      sampleRate:
        within(sampleRate, MAX_SAMPLE_RATE) || claim(metadata, 'audiosamplerate', MAX_SAMPLE_RATE),
      channels: channels || claim(metadata, 'audiochannels', MAX_CHANNELS),
      ...counted(meter.audio),
    };
  }
}

/** What was made of the newest body; bodies are told apart by identity. */
class Latest<Facts> {
  readonly #make: (body: Buffer) => Facts;
  #body: Buffer | undefined;
  #facts: Facts | undefined;

  constructor(make: (body: Buffer) => Facts) {
    this.#make = make;
  }

  of(body: Buffer): Facts {
    if (this.#body !== body || this.#facts === undefined) {
      this.#facts = this.#make(body);
      this.#body = body;
    }
    return this.#facts;
  }
}

function counted({ frames, bytes }: KindCount): { frames: number; bytes: number } {
  return { frames, bytes };
}

function videoFacts(body: Buffer): VideoFacts {
  const described = describeVideoHeader(body, 0, body.length);
  if (!described) {
    return { codec: codecName('video', body), profile: '', level: '', width: 0, height: 0, fps: 0 };
  }
  const { codec, level, fps } = described;
  return {
    codec,
    profile: videoProfile(described, body),
    level,
    width: within(described.width, MAX_PIXELS),
    height: within(described.height, MAX_PIXELS),
    fps: within(fps, MAX_FPS),
  };
}

function videoProfile({ codec, profile }: VideoDescription, body: Buffer): string {
  if (codec !== 'H264') return profile;
  const start = locateTagBody('video', body, undefined)?.start ?? body.length;
  // AVCDecoderConfigurationRecord: version, profile_idc, constraint flags. ISO/IEC 14496-15, 5.3.3.1.
  const [idc = 0, flags = 0] = body.subarray(start + 1);
  const constrained = CONSTRAINED_AVC_PROFILES.get(idc);
  if (constrained && (flags & constrained.flag) !== 0) return constrained.name;
  return AVC_PROFILES.get(idc) ?? UNKNOWN_CODEC;
}

function audioFacts(body: Buffer): AudioFacts {
  const described = describeAudioHeader(body, 0, body.length);
  if (!described) return audioFactsOfFrame(body);
  const { codec, sampleRate, channels } = described;
  return {
    codec: codec.startsWith('MP3') ? 'MP3' : codec,
    sampleRate,
    channels,
    profile: audioProfile(described),
  };
}

function audioProfile({ codec, profile }: AudioDescription): string {
  if (codec !== 'AAC') return profile;
  return AAC_PROFILES.includes(profile) ? profile : UNKNOWN_CODEC;
}

/** Of a codec whose frames say what it is, or whose header did not come. */
function audioFactsOfFrame(body: Buffer): AudioFacts {
  const found = locateTagBody('audio', body, undefined);
  const codec = codecName('audio', body);
  const isFrame = found?.content === 'frame' && isAudioCodec(found.codec);
  const track = isFrame
    ? audioTrackOfFrame(found.codec, body.subarray(found.start, found.end))
    : undefined;
  const { sampleRate = 0, channels = 0 } = track ?? {};
  return { codec, sampleRate, channels, profile: '' };
}

function codecName(kind: 'audio' | 'video', body: Buffer): string {
  return CODEC_NAMES.get(locateTagBody(kind, body, undefined)?.codec ?? '') ?? UNKNOWN_CODEC;
}

/** A number of the metadata, which may claim anything; 0 when it is not credible. */
function claim(metadata: AmfObject | undefined, key: string, max: number): number {
  return within(metadata?.number(key) ?? 0, max);
}

function within(value: number, max: number): number {
  return value > 0 && value <= max ? value : 0;
}
