/** Writes one program of pictures and sound as an MPEG transport stream (ISO/IEC 13818-1). */
import { ErrorCode, SrsError } from '../core/errors';

import type { AudioTrack, MediaFrame, MediaTrack, VideoTrack } from './track';
import { TsAudio, adtsOf } from './ts-audio';
import { TsClock } from './ts-clock';
import {
  TsPid,
  TsStreamType,
  ticksBetween,
  ticksPerMs,
  tsPacketBytes,
  wrapTicks,
} from './ts-packet';
import { TsPacketWriter } from './ts-packet-writer';
import type { TsPidState } from './ts-packet-writer';
import { patSection, pmtSection } from './ts-tables';
import type { TsTableEntry } from './ts-tables';
import { TsVideo } from './ts-video';

const StreamId = { video: 0xe0, audio: 0xc0, private1: 0xbd } as const;
const tablesIntervalTicks = 500 * ticksPerMs;
/** How far the clock is behind decoding times; audio gathered beside pictures comes later by its own length. */
const clockLeadTicks = 100 * ticksPerMs;
/** Frames that follow each other faster share a PCR. */
const videoPcrTicks = 30 * ticksPerMs;
/** With no picture for so long the clock goes on by the time of the sound: less one AAC frame, under 100 ms. */
const audioPcrTicks = 75 * ticksPerMs;
/** Sound without any picture yet drives the clock after this long. */
const videoWaitTicks = 1000 * ticksPerMs;
const innerPcrTicks = 95 * ticksPerMs;
/** Below this rate an MP3 track is MPEG-2 audio. */
const mpeg1MinSampleRate = 32000;

/** How a muxer gathers sound. */
export interface TsMuxerOptions {
  /** Sound of about this many milliseconds goes into one PES packet; 0: one frame each. */
  readonly audioPesMs?: number;
  /** Its packets are played after those of another muxer: the first of each stream say that counters begin anew. */
  readonly isContinued?: boolean;
}

interface ProgramVideo {
  readonly track: VideoTrack;
  readonly entry: TsTableEntry;
  readonly unit: TsVideo;
  readonly pid: TsPidState;
}

interface ProgramAudio {
  readonly track: AudioTrack;
  readonly entry: TsTableEntry;
  buffer: TsAudio;
  readonly pid: TsPidState;
}

/** The elementary streams of the program. */
interface Program {
  readonly video: ProgramVideo | undefined;
  readonly audio: ProgramAudio | undefined;
}

/**
 * A muxer that lives as long as its stream: continuity counters run on over segments. Its packets come in the order
 * of the calls, and each call hands on what it wrote at once.
 */
export class TsMuxer {
  readonly #writer: TsPacketWriter;
  readonly #audioPesTicks: number;
  readonly #isContinued: boolean;
  readonly #clock = new TsClock();
  readonly #pids = new Map<number, TsPidState>();
  readonly #pat = patSection();
  #pmt: Buffer = Buffer.alloc(0);
  #pmtVersion = -1;
  #isPmtSeen = false;
  #program: Program = { video: undefined, audio: undefined };
  #areTablesDue = true;
  /** Time of the frame after the last tables. */
  #tablesTime: number | undefined;
  #firstAudioTime: number | undefined;
  #audioTime: number | undefined;
  /** How far sound was ahead of pictures when the last of these came; undefined before the first. */
  #audioAheadTicks: number | undefined;

  /** `write` gets whole packets, n x 188 bytes, as its own. */
  constructor(write: (packets: Buffer) => void, options: TsMuxerOptions = {}) {
    this.#writer = new TsPacketWriter(write);
    this.#audioPesTicks = (options.audioPesMs ?? 0) * ticksPerMs;
    this.#isContinued = options.isContinued ?? false;
  }

  /** True for H.264, H.265, MP3, AC-3, E-AC-3 and AAC as ADTS can carry it. */
  static supports(track: MediaTrack): boolean {
    return tableEntry(track) !== undefined;
  }

  /**
   * What the program consists of from now on; sound that waits is written first. The tables come again before the
   * next frame, with a new version when they say something else. Throws `SrsError` HLS_DECODE_ERROR for a track that
   * is not supported, and changes nothing then.
   */
  setTracks(video: VideoTrack | undefined, audio: AudioTrack | undefined): void {
    const isSameAudio = audio !== undefined && isSame(audio, this.#program.audio?.track);
    const programVideo = video && this.#programVideo(video);
    const programAudio = isSameAudio ? this.#program.audio : audio && this.#programAudio(audio);
    if (!isSameAudio) this.flush();
    this.#program = { video: programVideo, audio: programAudio };
    this.#clock.leadTicks = clockLeadTicks + (video && audio ? this.#audioPesTicks : 0);
    this.#updatePmt();
  }

  /** Writes PAT and PMT now. They also come by themselves every 500 ms of media. */
  writeTables(): void {
    this.#putTables();
    this.#tablesTime = undefined;
    this.#writer.flush();
  }

  /**
   * Writes a frame, or keeps it until its PES packet is full. `ticksOffset` is added to its times. A frame of a kind
   * that has no track is ignored. Throws `SrsError` for a frame that cannot be carried (HLS_AAC_FRAME_LENGTH,
   * HLS_AVC_SAMPLE_SIZE, HLS_DECODE_ERROR for other sound that is too long), before anything of it is written.
   */
  writeFrame(frame: MediaFrame, ticksOffset = 0): void {
    const time = frame.timestamp * ticksPerMs + ticksOffset;
    if (frame.kind === 'video') this.#writeVideo(frame, time);
    else this.#writeAudio(frame.data, time);
    this.#writer.flush();
  }

  /** Writes the sound that waits. */
  flush(): void {
    this.#putAudio();
    this.#writer.flush();
  }

  /** The times that follow have nothing to do with those before: the next PCR says so (discontinuity_indicator). */
  reset(): void {
    this.flush();
    this.#clock.reset();
    this.#tablesTime = undefined;
    this.#areTablesDue = true;
    this.#firstAudioTime = undefined;
    this.#audioTime = undefined;
    this.#audioAheadTicks = undefined;
    const { audio } = this.#program;
    if (audio !== undefined) audio.buffer = new TsAudio(audio.track);
  }

  #programVideo(track: VideoTrack): ProgramVideo {
    const entry = supportedEntry(track);
    return { track, entry, unit: new TsVideo(track), pid: this.#pid(entry.pid) };
  }

  #programAudio(track: AudioTrack): ProgramAudio {
    const entry = supportedEntry(track);
    return { track, entry, buffer: new TsAudio(track), pid: this.#pid(entry.pid) };
  }

  #writeVideo(frame: MediaFrame, time: number): void {
    const { video } = this.#program;
    if (video === undefined) return;
    const bytes = video.unit.measure(frame.data, frame.isKey);
    if (bytes === 0) return;
    const presentation = time + frame.compositionMs * ticksPerMs;
    // A picture cannot be shown before it is decoded; when it is seen matters more.
    const decoding = Math.min(time, presentation);
    this.#audioAheadTicks =
      this.#audioTime === undefined ? 0 : Math.max(0, ticksBetween(decoding, this.#audioTime));
    this.#repeatTables(decoding);
    const pcr = this.#clock.next(decoding, frame.isKey ? 1 : videoPcrTicks, this.#fillClock);
    this.#writer.begin(video.pid, {
      streamId: StreamId.video,
      pts: wrapTicks(presentation),
      dts: wrapTicks(decoding),
      bytes,
      isRandomAccess: frame.isKey,
      pcr,
      isDiscontinuity: pcr >= 0 && this.#clock.takeDiscontinuity(),
      innerPcrs: 0,
      innerPcrStep: 0,
    });
    video.unit.write(this.#writer, frame.data);
  }

  #writeAudio(data: Buffer, messageTime: number): void {
    const buffer = this.#program.audio?.buffer;
    if (buffer === undefined || data.length === 0) return;
    const time = buffer.accept(data, messageTime);
    const isLate = buffer.bytes > 0 && time - buffer.first >= this.#audioPesTicks;
    if (isLate || time < buffer.first || buffer.isFullFor(data)) this.#putAudio();
    buffer.add(data, time);
    if (this.#audioPesTicks === 0) this.#putAudio();
  }

  #putAudio(): void {
    const { audio, video } = this.#program;
    if (audio === undefined || audio.buffer.bytes === 0) return;
    const { buffer, pid, entry } = audio;
    const time = buffer.first;
    this.#repeatTables(time);
    let pcr = -1;
    if (video === undefined) pcr = this.#clock.next(time, audioPcrTicks, this.#fillClock);
    else this.#driveClockBySound(video.pid, time);
    // No more than there are packets to carry them; the clock fills in what is missing before the next sound.
    const wanted = Math.max(1, Math.ceil(buffer.span / innerPcrTicks));
    const carried = Math.floor(buffer.bytes / tsPacketBytes);
    const innerPcrs = pcr < 0 ? 0 : Math.max(0, Math.min(wanted, carried) - 1);
    const innerPcrStep = buffer.span / wanted;
    if (innerPcrs > 0) this.#clock.advance(innerPcrs * innerPcrStep);
    const pts = wrapTicks(time);
    this.#writer.begin(pid, {
      streamId: isPrivate(entry) ? StreamId.private1 : StreamId.audio,
      pts,
      dts: pts,
      bytes: buffer.bytes,
      isRandomAccess: video === undefined,
      pcr,
      isDiscontinuity: pcr >= 0 && this.#clock.takeDiscontinuity(),
      innerPcrs,
      innerPcrStep,
    });
    buffer.write(this.#writer);
  }

  /** Keeps the clock going while no pictures come, by the time pictures would have beside this sound. */
  #driveClockBySound(pid: TsPidState, time: number): void {
    this.#audioTime = time;
    this.#firstAudioTime ??= time;
    const isWaiting =
      this.#audioAheadTicks === undefined &&
      Math.abs(ticksBetween(this.#firstAudioTime, time)) < videoWaitTicks;
    if (isWaiting) return;
    const pictureTime = time - (this.#audioAheadTicks ?? 0);
    const pcr = this.#clock.next(pictureTime, audioPcrTicks, this.#fillClock);
    if (pcr >= 0) this.#writer.pcr(pid, pcr, this.#clock.takeDiscontinuity());
  }

  readonly #fillClock = (pcr: number): void => {
    const { video, audio } = this.#program;
    const pid = video?.pid ?? audio?.pid;
    if (pid !== undefined) this.#writer.pcr(pid, pcr, this.#clock.takeDiscontinuity());
  };

  #repeatTables(time: number): void {
    const since = this.#tablesTime === undefined ? 0 : ticksBetween(this.#tablesTime, time);
    const isTime = Math.abs(since) >= tablesIntervalTicks;
    if (this.#areTablesDue || isTime) this.#putTables();
    if (isTime) this.#tablesTime = time;
    this.#tablesTime ??= time;
  }

  #putTables(): void {
    if (this.#pmtVersion < 0) this.#updatePmt();
    this.#writer.section(this.#pid(TsPid.pat), this.#pat);
    this.#writer.section(this.#pid(TsPid.pmt), this.#pmt);
    this.#areTablesDue = false;
    this.#isPmtSeen = true;
  }

  #updatePmt(): void {
    const { video, audio } = this.#program;
    const entries = [video?.entry, audio?.entry].filter((entry) => entry !== undefined);
    const pcrPid = entries[0]?.pid ?? TsPid.none;
    if (this.#pmt.equals(pmtSection(entries, pcrPid, this.#pmtVersion))) return;
    // What nobody has seen yet can change under the same number.
    if (this.#isPmtSeen || this.#pmtVersion < 0) this.#pmtVersion = (this.#pmtVersion + 1) & 0x1f;
    this.#isPmtSeen = false;
    this.#pmt = pmtSection(entries, pcrPid, this.#pmtVersion);
    this.#areTablesDue = true;
  }

  #pid(pid: number): TsPidState {
    let state = this.#pids.get(pid);
    if (state === undefined) {
      // The first packet counts 0.
      state = { pid, continuity: 15, isFresh: this.#isContinued };
      this.#pids.set(pid, state);
    }
    return state;
  }
}

/** How the PMT lists a track; undefined when it cannot be carried. */
function tableEntry(track: MediaTrack): TsTableEntry | undefined {
  switch (track.codec) {
    case 'avc1':
      return { streamType: TsStreamType.avc, pid: TsPid.video };
    case 'hvc1':
      return { streamType: TsStreamType.hevc, pid: TsPid.video };
    case 'mp4a':
      return adtsOf(track) && { streamType: TsStreamType.aacAdts, pid: TsPid.aac };
    case '.mp3': {
      const isMpeg1 = track.sampleRate >= mpeg1MinSampleRate;
      const streamType = isMpeg1 ? TsStreamType.mpeg1Audio : TsStreamType.mpeg2Audio;
      return { streamType, pid: TsPid.otherAudio };
    }
    case 'ac-3':
      return { streamType: TsStreamType.ac3, pid: TsPid.otherAudio };
    case 'ec-3':
      return { streamType: TsStreamType.eac3, pid: TsPid.otherAudio };
    default:
      return undefined;
  }
}

function supportedEntry(track: MediaTrack): TsTableEntry {
  const entry = tableEntry(track);
  if (entry !== undefined) return entry;
  throw new SrsError(
    ErrorCode.HLS_DECODE_ERROR,
    `expected a codec that MPEG-TS carries, got ${track.codec}`,
  );
}

/** AC-3 and E-AC-3 go as private stream 1, ATSC A/52, A.4. */
function isPrivate(entry: TsTableEntry): boolean {
  return entry.streamType === TsStreamType.ac3 || entry.streamType === TsStreamType.eac3;
}

function isSame(track: AudioTrack, other: AudioTrack | undefined): boolean {
  if (track.codec !== other?.codec) return false;
  return track.sampleRate === other.sampleRate && track.record.equals(other.record);
}
