/** Owns the options of everything that runs ffmpeg, or the built-in ingester in its place. */
import { block, blocks, one, pairs } from '../directive';
import { choice, int, number, onOff, text } from '../values';

/** `engine [name] {}` of transcode and ingest: one ffmpeg output. */
const engineRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Off in ingest means to copy both codecs.' }),
  iformat: one('iformat', text('format'), 'flv', { doc: 'Input format; off omits it.' }),
  vfilter: pairs('vfilter', { doc: 'Filter options: key value becomes -key value.' }),
  vcodec: one('vcodec', text('codec'), '', { doc: 'Video codec; copy, or vn for none.' }),
  vbitrate: one('vbitrate', int(0, 1000000), '0', { doc: 'Video bit rate, in kbps.' }),
  vfps: one('vfps', number(0, 1000), '0', { doc: 'Video frames per second.' }),
  vwidth: one('vwidth', int(0, 65535), '0', { doc: 'Video width; rounded down to even.' }),
  vheight: one('vheight', int(0, 65535), '0', { doc: 'Video height; rounded down to even.' }),
  vthreads: one('vthreads', int(0, 1024), '1', { doc: 'Threads of the video encoder.' }),
  vprofile: one('vprofile', text('profile'), '', { doc: 'Profile of the video encoder.' }),
  vpreset: one('vpreset', text('preset'), '', { doc: 'Preset of the video encoder.' }),
  vparams: pairs('vparams', { doc: 'More video options: key value becomes -key value.' }),
  acodec: one('acodec', text('codec'), '', { doc: 'Audio codec; copy, or an for none.' }),
  abitrate: one('abitrate', int(0, 100000), '0', { doc: 'Audio bit rate, in kbps.' }),
  asampleRate: one('asample_rate', int(0, 768000), '0', { doc: 'Audio sample rate, in Hz.' }),
  achannels: one('achannels', int(0, 64), '0', { doc: 'Audio channels.' }),
  aparams: pairs('aparams', { doc: 'More audio options: key value becomes -key value.' }),
  oformat: one('oformat', text('format'), 'flv', { doc: 'Output format; off omits it.' }),
  output: one('output', text('url'), '', {
    doc: 'Where the result goes; [vhost] [port] [app] [stream] [engine] are replaced.',
  }),
};

const engines = blocks('engine', 'name', engineRows, { doc: 'One output.' });

/** `transcode [scope] {}` of a vhost. */
const transcodeRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Transcodes streams within the scope.' }),
  ffmpeg: one('ffmpeg', text('path'), '', { doc: 'The ffmpeg program.' }),
  engines,
};

/** `input {}` of an ingest. */
const ingestInputRows = {
  type: one('type', choice('file', 'stream', 'device'), 'file', {
    doc: 'A file is read at its native rate, again and again.',
  }),
  url: one('url', text('path or url'), '', {
    doc: 'What to read; bundled:sample.flv is a short sample inside the program.',
  }),
};

/** The word that asks for the ingester inside the program instead of an ffmpeg. */
export const BUILTIN_FFMPEG = 'builtin';

/** `ingest [id] {}` of a vhost. */
const ingestRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Runs this ingest.' }),
  input: block('input', ingestInputRows, { doc: 'What is read.' }),
  ffmpeg: one('ffmpeg', text('path'), '', {
    doc: 'The ffmpeg program; builtin loops an FLV file without one.',
    feature: 'ingest_ffmpeg',
    what: 'ingest through an ffmpeg program (the built-in "ffmpeg builtin;" reads FLV files)',
    switchesOn: (value) => value !== BUILTIN_FFMPEG,
  }),
  engines,
};

/** Rows of a vhost that run programs. */
export const vhostTranscodeRows = {
  transcode: blocks('transcode', 'scope', transcodeRows, {
    doc: 'Encodes published streams again, by ffmpeg.',
    feature: 'transcode',
  }),
  ingest: blocks('ingest', 'id', ingestRows, { doc: 'Publishes a file or another stream here.' }),
};
