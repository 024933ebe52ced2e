/** Collects coded frames and cuts them into movie fragments: moof and mdat. */
import type { MediaFrame, MediaTrack } from '../track';

import { movieFragment } from './movie-fragment';
import type { TrackRun } from './movie-fragment';
import { SampleQueue } from './sample-queue';
import type { Sample } from './sample-queue';
import { timescaleOf } from './track-clock';

/** One moof and its mdat. */
export interface Fragment {
  /** To be written one after the other; all but the first are the frames' own buffers. */
  readonly data: readonly Buffer[];
  readonly bytes: number;
  /** Of its video, or of its audio when it holds no video; so the durations of a video stream's fragments add up. */
  readonly durationMs: number;
  /** Earliest decoding time of all tracks. */
  readonly startMs: number;
  /** Latest end of all tracks; the duration of a recording is that of its last fragment less its first start. */
  readonly endMs: number;
  /** Presentation time of its first video frame, of its first audio frame when it holds no video. */
  readonly presentationMs: number;
  /** It begins with a key frame, or there is no video track. */
  readonly isIndependent: boolean;
}

/** A track of the writer with its samples. */
interface Lane {
  readonly track: MediaTrack;
  readonly trackId: number;
  readonly timescale: number;
  readonly queue: SampleQueue;
}

/** The samples of a lane that go into one fragment. */
interface LaneRun extends TrackRun {
  readonly lane: Lane;
  readonly first: Sample;
}

/**
 * Makes fragments for the tracks of `mp4InitSegment(tracks)`. One frame per track is held back until the next one
 * tells its duration, so a frame just added always belongs to the fragment after the cut: add a key frame, then cut.
 * Timestamps must not wrap; steps back are clamped, see `TrackClock`. Frames of a kind without track are passed over.
 */
export class FragmentWriter {
  /** Video first, so that index entries can point at the first run of a fragment. */
  readonly #lanes: readonly Lane[];
  #sequence: number;

  /** `sequence` numbers the first fragment, 1 when not given. At most one track of each kind. */
  constructor(tracks: readonly MediaTrack[], options: { sequence?: number } = {}) {
    const lanes = tracks.map((track, index) => ({
      track,
      trackId: index + 1,
      timescale: timescaleOf(track),
      queue: new SampleQueue(track),
    }));
    this.#lanes = lanes.sort((a, b) => Number(isAudio(a)) - Number(isAudio(b)));
    this.#sequence = options.sequence ?? 1;
  }

  /** Number of the next fragment; a writer that takes over continues from here. */
  get sequence(): number {
    return this.#sequence;
  }

  add(frame: MediaFrame): void {
    for (const lane of this.#lanes) {
      if (lane.track.kind === frame.kind) lane.queue.add(frame);
    }
  }

  /** A fragment of all frames whose duration is known; undefined when there is none. */
  cut(): Fragment | undefined {
    return this.#fragment((queue) => queue.take());
  }

  /** A fragment of all frames, the held ones with their likely duration; undefined when there is none. */
  flush(): Fragment | undefined {
    return this.#fragment((queue) => queue.takeAll());
  }

  /**
   * A last fragment, of all frames before this one, which only tells how long the one before it lasts; undefined when
   * there is none.
   */
  flushBefore(frame: MediaFrame): Fragment | undefined {
    this.add(frame);
    return this.#fragment((queue, { kind }) =>
      kind === frame.kind ? queue.take() : queue.takeAll(),
    );
  }

  #fragment(take: (queue: SampleQueue, track: MediaTrack) => Sample[]): Fragment | undefined {
    const runs = this.#lanes.flatMap((lane) => laneRuns(lane, take(lane.queue, lane.track)));
    const [main] = runs;
    if (main === undefined) return undefined;
    const data = [movieFragment(this.#sequence, runs)];
    this.#sequence = (this.#sequence + 1) >>> 0;
    for (const run of runs) for (const sample of run.samples) data.push(sample.data);
    const hasVideoTrack = this.#lanes.some((lane) => lane.track.kind === 'video');
    const isVideo = main.lane.track.kind === 'video';
    return {
      data,
      bytes: data.reduce((sum, part) => sum + part.length, 0),
      durationMs: endMs(main) - ms(main.lane, main.first.decodeTime),
      startMs: Math.min(...runs.map((run) => ms(run.lane, run.first.decodeTime))),
      endMs: Math.max(...runs.map(endMs)),
      presentationMs: ms(main.lane, main.first.decodeTime + main.first.composition),
      isIndependent: hasVideoTrack ? isVideo && main.first.isKey : true,
    };
  }
}

function isAudio(lane: Lane): boolean {
  return lane.track.kind === 'audio';
}

/** No run when there are no samples. */
function laneRuns(lane: Lane, samples: Sample[]): LaneRun[] {
  const [first] = samples;
  return first === undefined ? [] : [{ trackId: lane.trackId, samples, lane, first }];
}

function endMs(run: LaneRun): number {
  const last = run.samples[run.samples.length - 1] ?? run.first;
  return ms(run.lane, last.decodeTime + last.duration);
}

function ms(lane: Lane, ticks: number): number {
  return (ticks * 1000) / lane.timescale;
}
