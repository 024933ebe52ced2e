/**
 * Owns the error codes users see in logs (`ret=N`) and API replies (`code`), and the one error class.
 *
 * Ranges: 1xxx system, socket and file; 2xxx RTMP; 3xxx application; 4xxx HTTP and stream casters;
 * 9xxx left to users. Numbers and names are those of SRS 2.0 (unusual spellings included), so that
 * existing log searches and API clients keep working.
 */

/** Every error code, with its meaning. "reserved" marks numbers kept for compatibility only. */
export const ErrorCode = {
  // System, sockets, files, start-up.
  SOCKET_CREATE: 1000, // cannot create a socket (listen or outgoing)
  SOCKET_SETREUSE: 1001, // cannot set address reuse on a listener
  SOCKET_BIND: 1002, // cannot bind a listen port
  SOCKET_LISTEN: 1003, // listen call failed
  SOCKET_CLOSED: 1004, // final code of a connection closed by its peer
  SOCKET_GET_PEER_NAME: 1005, // reserved
  SOCKET_GET_PEER_IP: 1006, // reserved
  SOCKET_READ: 1007, // read failed or peer closed
  SOCKET_READ_FULLY: 1008, // a fixed-size read (handshake) ended early
  SOCKET_WRITE: 1009, // write failed
  SOCKET_WAIT: 1010, // reserved
  SOCKET_TIMEOUT: 1011, // receive/send timeout, or publisher idle watchdog
  SOCKET_CONNECT: 1012, // outgoing connect failed (client library)
  ST_SET_EPOLL: 1013, // event system epoll unavailable (runtime specific)
  ST_INITIALIZE: 1014, // event runtime init failed
  ST_OPEN_SOCKET: 1015, // runtime cannot adopt a socket
  ST_CREATE_LISTEN_THREAD: 1016, // reserved
  ST_CREATE_CYCLE_THREAD: 1017, // cannot start a worker
  ST_CONNECT: 1018, // server-side outgoing connect failed or timed out (edge, forward, hooks)
  SYSTEM_PACKET_INVALID: 1019, // packet type cannot be encoded/decoded
  SYSTEM_CLIENT_INVALID: 1020, // identified client type unknown
  SYSTEM_ASSERT_FAILED: 1021, // internal misuse (message payload set twice)
  READER_BUFFER_OVERFLOW: 1022, // one read needs more than the receive buffer (oversized chunk)
  SYSTEM_CONFIG_INVALID: 1023, // config value or directive not acceptable
  SYSTEM_CONFIG_DIRECTIVE: 1024, // config syntax: bad directive
  SYSTEM_CONFIG_BLOCK_START: 1025, // config syntax: unexpected block start
  SYSTEM_CONFIG_BLOCK_END: 1026, // config syntax: unexpected block end
  SYSTEM_CONFIG_EOF: 1027, // config syntax: premature end
  SYSTEM_STREAM_BUSY: 1028, // stream already has a publisher
  SYSTEM_IP_INVALID: 1029, // host name cannot be resolved
  SYSTEM_FORWARD_LOOP: 1030, // forward destination equals the source
  SYSTEM_WAITPID: 1031, // waiting for a child process failed
  SYSTEM_BANDWIDTH_KEY: 1032, // bandwidth check key missing/wrong in tcUrl
  SYSTEM_BANDWIDTH_DENIED: 1033, // bandwidth check inside the forbidden interval
  SYSTEM_PID_ACQUIRE: 1034, // cannot open the pid file
  SYSTEM_PID_ALREADY_RUNNING: 1035, // pid file locked by a running server
  SYSTEM_PID_LOCK: 1036, // pid file lock failed otherwise
  SYSTEM_PID_TRUNCATE_FILE: 1037, // cannot truncate the pid file
  SYSTEM_PID_WRITE_FILE: 1038, // cannot write the pid
  SYSTEM_PID_GET_FILE_INFO: 1039, // cannot read pid file descriptor flags
  SYSTEM_PID_SET_FILE_INFO: 1040, // cannot set close-on-exec on the pid file
  SYSTEM_FILE_ALREADY_OPENED: 1041, // file object already open
  SYSTEM_FILE_OPENE: 1042, // cannot open a file
  SYSTEM_FILE_CLOSE: 1043, // cannot close a file
  SYSTEM_FILE_READ: 1044, // file read failed
  SYSTEM_FILE_WRITE: 1045, // file write failed
  SYSTEM_FILE_EOF: 1046, // end of file (also seek past the end of an FLV)
  SYSTEM_FILE_RENAME: 1047, // cannot rename a DVR temporary file
  SYSTEM_CREATE_PIPE: 1048, // cannot create the signal pipe
  SYSTEM_FILE_SEEK: 1049, // FLV seek failed
  SYSTEM_IO_INVALID: 1050, // file API used without an opened io (client library)
  ST_EXCEED_THREADS: 1051, // max_connections above 32756; a limit of a vhost is reached
  SYSTEM_SECURITY: 1052, // no security rule allows the address
  SYSTEM_SECURITY_DENY: 1053, // connection matches a deny rule
  SYSTEM_SECURITY_ALLOW: 1054, // connection matches no allow rule
  SYSTEM_TIME: 1055, // cannot read the clock
  SYSTEM_DIR_EXISTS: 1056, // path exists and is not a usable directory
  SYSTEM_CREATE_DIR: 1057, // cannot create a directory
  SYSTEM_KILL: 1058, // cannot signal a child process
  SYSTEM_DNS: 1059, // name lookup failed
  SOCKET_SETKEEPALIVE: 1060, // cannot set keep-alive on a socket

  // RTMP protocol.
  RTMP_PLAIN_REQUIRED: 2000, // C0 is not 3 (simple handshake, server)
  RTMP_CHUNK_START: 2001, // chunk stream not starting with fmt 0, or fmt 0 inside a message
  RTMP_MSG_INVLIAD_SIZE: 2002, // reserved
  RTMP_AMF0_DECODE: 2003, // AMF0 truncated, wrong marker, or wrong command name/argument type
  RTMP_AMF0_INVALID: 2004, // unsupported AMF0 marker
  RTMP_REQ_CONNECT: 2005, // connect without a tcUrl string
  RTMP_REQ_TCURL: 2006, // schema, vhost, port or app empty after tcUrl parsing
  RTMP_MESSAGE_DECODE: 2007, // control message payload too short
  RTMP_MESSAGE_ENCODE: 2008, // control message encode space; also short SetBufferLength on decode
  RTMP_AMF0_ENCODE: 2009, // AMF0 write buffer too small
  RTMP_CHUNK_SIZE: 2010, // the peer sets a chunk size of 0
  RTMP_TRY_SIMPLE_HS: 2011, // internal: complex handshake not applicable
  RTMP_CH_SCHEMA: 2012, // internal: invalid complex handshake schema
  RTMP_PACKET_SIZE: 2013, // message length changed between its chunks
  RTMP_VHOST_NOT_FOUND: 2014, // vhost unknown (and no default vhost) or disabled
  RTMP_ACCESS_DENIED: 2015, // referer check failed; no valid key or signature
  RTMP_HANDSHAKE: 2016, // S0 is not 3 (client role)
  RTMP_NO_REQUEST: 2017, // _result/_error for an unknown transaction
  RTMP_HS_SSL_REQUIRE: 2018, // reserved
  RTMP_DURATION_EXCEED: 2019, // reserved: a player that reached its duration gets Play.Stop, the connection stays
  RTMP_EDGE_PLAY_STATE: 2020, // edge cannot start a pull in the current state
  RTMP_EDGE_PUBLISH_STATE: 2021, // edge already pushes this stream, or wrong state
  RTMP_EDGE_PROXY_PULL: 2022, // reserved
  RTMP_EDGE_RELOAD: 2023, // reload tried to change vhost mode local/remote
  RTMP_AGGREGATE: 2024, // malformed aggregate message
  RTMP_BWTC_DATA: 2025, // bandwidth client: server gave no duration or limit
  OpenSslCreateDH: 2026, // DH context allocation failed
  OpenSslCreateP: 2027, // DH prime allocation failed
  OpenSslCreateG: 2028, // DH generator allocation failed
  OpenSslParseP1024: 2029, // DH prime parse failed
  OpenSslSetG: 2030, // DH generator set failed
  OpenSslGenerateDHKeys: 2031, // DH key generation failed
  OpenSslCopyKey: 2032, // reserved
  OpenSslSha256Update: 2033, // HMAC update failed
  OpenSslSha256Init: 2034, // HMAC init failed
  OpenSslSha256Final: 2035, // HMAC final failed
  OpenSslSha256EvpDigest: 2036, // plain SHA-256 failed
  OpenSslSha256DigestSize: 2037, // digest is not 32 bytes
  OpenSslGetPeerPublicKey: 2038, // peer public key conversion failed
  OpenSslComputeSharedKey: 2039, // shared secret computation failed
  RTMP_MIC_CHUNKSIZE_CHANGED: 2040, // reserved
  RTMP_MIC_CACHE_OVERFLOW: 2041, // reserved
  RTSP_TOKEN_NOT_NORMAL: 2042, // RTSP token is not followed by the expected separator
  RTSP_REQUEST_HEADER_EOF: 2043, // RTSP request header ended early
  RTP_HEADER_CORRUPT: 2044, // RTP header malformed
  RTP_TYPE96_CORRUPT: 2045, // RTP payload type 96 malformed
  RTP_TYPE97_CORRUPT: 2046, // RTP payload type 97 malformed
  RTSP_AUDIO_CONFIG: 2047, // RTSP audio configuration invalid
  RTMP_STREAM_NOT_FOUND: 2048, // no such stream
  RTMP_CLIENT_NOT_FOUND: 2049, // no such client
  RTMP_STREAM_NAME_EMPTY: 2050, // publish or play with an empty stream name
  CONTROL_RTMP_CLOSE: 2998, // control: player closed its stream, connection reusable
  CONTROL_REPUBLISH: 2999, // control: publisher unpublished, connection reusable

  // Application: HLS, HTTP, transcode, FLV, edge.
  HLS_METADATA: 3000, // reserved
  HLS_DECODE_ERROR: 3001, // payload cannot be demuxed: not AAC/H.264, truncated, no headers
  HLS_CREATE_DIR: 3002, // cannot create the HLS app directory
  HLS_OPEN_FAILED: 3003, // cannot open the m3u8 file
  HLS_WRITE_FAILED: 3004, // writing or renaming ts/m3u8 failed
  HLS_AAC_FRAME_LENGTH: 3005, // AAC frame length out of range for ADTS
  HLS_AVC_SAMPLE_SIZE: 3006, // AVC sample size invalid
  HTTP_PARSE_URI: 3007, // HTTP url cannot be parsed
  HTTP_DATA_INVLIAD: 3008, // HTTP hook response is not 0
  HTTP_PARSE_HEADER: 3009, // HTTP response/request parse failed
  HTTP_HANDLER_MATCH_URL: 3010, // no HTTP handler for the url
  HTTP_HANDLER_INVALID: 3011, // HTTP handler refused; reported in error JSON
  HTTP_API_LOGS: 3012, // reserved
  HTTP_FLV_SEQUENCE_HEADER: 3013, // FLV file has no sequence headers for seek
  HTTP_FLV_OFFSET_OVERFLOW: 3014, // FLV start offset beyond the file
  ENCODER_VCODEC: 3015, // transcode video codec invalid, or both tracks disabled
  ENCODER_OUTPUT: 3016, // transcode output url empty
  ENCODER_ACHANNELS: 3017, // audio channels not 1 or 2
  ENCODER_ASAMPLE_RATE: 3018, // audio sample rate invalid
  ENCODER_ABITRATE: 3019, // audio bitrate invalid (16..72 kbps for the AAC encoder)
  ENCODER_ACODEC: 3020, // audio codec invalid
  ENCODER_VPRESET: 3021, // x264 preset invalid
  ENCODER_VPROFILE: 3022, // x264 profile invalid
  ENCODER_VTHREADS: 3023, // video threads invalid
  ENCODER_VHEIGHT: 3024, // video height invalid
  ENCODER_VWIDTH: 3025, // video width invalid
  ENCODER_VFPS: 3026, // video frame rate invalid
  ENCODER_VBITRATE: 3027, // video bitrate invalid
  ENCODER_FORK: 3028, // cannot start the transcoder process
  ENCODER_LOOP: 3029, // transcode output would feed its own input; ignored by the publisher
  ENCODER_OPEN: 3030, // cannot open the transcoder log file
  ENCODER_DUP2: 3031, // cannot redirect transcoder output
  ENCODER_PARSE: 3032, // ingest has no ffmpeg configured
  ENCODER_NO_INPUT: 3033, // ingest has no input type or url
  ENCODER_NO_OUTPUT: 3034, // ingest has no output url
  ENCODER_INPUT_TYPE: 3035, // ingest input type unknown
  KERNEL_FLV_HEADER: 3036, // file does not begin with the FLV signature
  KERNEL_FLV_STREAM_CLOSED: 3037, // FLV codec used on a closed file
  KERNEL_STREAM_INIT: 3038, // byte stream initialised with null or empty data
  EDGE_VHOST_REMOVED: 3039, // edge vhost has no origin (removed by reload)
  HLS_AVC_TRY_OTHERS: 3040, // internal: payload is not AnnexB, try IBMF length prefix
  H264_API_NO_PREFIXED: 3041, // client library: raw H.264 without start code
  FLV_INVALID_VIDEO_TAG: 3042, // client library: FLV video tag invalid
  H264_DROP_BEFORE_SPS_PPS: 3043, // client library: frame dropped, SPS/PPS not seen yet
  H264_DUPLICATED_SPS: 3044, // client library: SPS repeated, ignored
  H264_DUPLICATED_PPS: 3045, // client library: PPS repeated, ignored
  AAC_REQUIRED_ADTS: 3046, // client library: AAC data must be ADTS
  AAC_ADTS_HEADER: 3047, // client library: ADTS header invalid
  AAC_DATA_INVALID: 3048, // client library: audio data invalid
  HLS_TRY_MP3: 3049, // internal: payload is MP3, not AAC
  HTTP_DVR_DISABLED: 3050, // dvr control on a vhost without dvr
  HTTP_DVR_REQUEST: 3051, // dvr control request invalid
  HTTP_DVR_CREATE_REQUEST: 3052, // dvr control request cannot be created
  HTTP_DVR_NO_TAEGET: 3053, // dvr control target missing
  ADTS_ID_NOT_AAC: 3054, // ADTS header does not announce AAC
  HDS_OPEN_F4M_FAILED: 3055, // cannot open the f4m file
  HDS_WRITE_F4M_FAILED: 3056, // cannot write the f4m file
  HDS_OPEN_BOOTSTRAP_FAILED: 3057, // cannot open the bootstrap file
  HDS_WRITE_BOOTSTRAP_FAILED: 3058, // cannot write the bootstrap file
  HDS_OPEN_FRAGMENT_FAILED: 3059, // cannot open a fragment file
  HDS_WRITE_FRAGMENT_FAILED: 3060, // cannot write a fragment file
  HLS_NO_STREAM: 3061, // no HLS for this stream
  JSON_LOADS: 3062, // JSON cannot be parsed
  RESPONSE_CODE: 3063, // hook response carries a code other than 0
  RESPONSE_DATA: 3064, // response data invalid
  REQUEST_DATA: 3065, // request data invalid
  EDGE_PORT_INVALID: 3066, // edge origin port invalid
  EXPECT_FILE_IO: 3067, // operation needs a file

  // HTTP server and stream casters.
  HTTP_PATTERN_EMPTY: 4000, // HTTP mount pattern empty
  HTTP_PATTERN_DUPLICATED: 4001, // HTTP mount pattern used twice
  HTTP_URL_NOT_CLEAN: 4002, // HTTP path is not normalised
  HTTP_CONTENT_LENGTH: 4003, // HTTP body length differs from Content-Length
  HTTP_LIVE_STREAM_EXT: 4004, // live mount has an unknown file extension
  HTTP_STATUS_INVALID: 4005, // HTTP status invalid
  KERNEL_AAC_STREAM_CLOSED: 4006, // AAC file used while closed
  AAC_DECODE_ERROR: 4007, // AAC payload cannot be parsed
  KERNEL_MP3_STREAM_CLOSED: 4008, // MP3 file used while closed
  MP3_DECODE_ERROR: 4009, // MP3 payload cannot be parsed
  STREAM_CASTER_ENGINE: 4010, // stream caster kind unknown
  STREAM_CASTER_PORT: 4011, // stream caster port invalid
  STREAM_CASTER_TS_HEADER: 4012, // TS packet header malformed
  STREAM_CASTER_TS_SYNC_BYTE: 4013, // TS sync byte missing
  STREAM_CASTER_TS_AF: 4014, // TS adaptation field malformed
  STREAM_CASTER_TS_CRC32: 4015, // TS section checksum wrong
  STREAM_CASTER_TS_PSI: 4016, // TS section malformed
  STREAM_CASTER_TS_PAT: 4017, // TS program association malformed
  STREAM_CASTER_TS_PMT: 4018, // TS program map malformed
  STREAM_CASTER_TS_PSE: 4019, // TS elementary packet malformed
  STREAM_CASTER_TS_ES: 4020, // TS elementary stream unknown
  STREAM_CASTER_TS_CODEC: 4021, // TS codec not supported
  STREAM_CASTER_AVC_SPS: 4022, // H.264 SPS malformed
  STREAM_CASTER_AVC_PPS: 4023, // H.264 PPS malformed
  STREAM_CASTER_FLV_TAG: 4024, // posted FLV tag malformed
  HTTP_RESPONSE_EOF: 4025, // HTTP response ended early
  HTTP_INVALID_CHUNK_HEADER: 4026, // HTTP chunk header malformed
  AVC_NALU_UEV: 4027, // Exp-Golomb value too long
  AAC_BYTES_INVALID: 4028, // AAC bytes malformed
  HTTP_REQUEST_EOF: 4029, // HTTP request ended early

  // Left to users.
  USER_START: 9000, // first code left to users
  USER_DISCONNECT: 9001, // client disconnected on request
  SOURCE_NOT_FOUND: 9002, // no such source
  USER_END: 9999, // last code left to users
} as const;

/** One of the numbers of the {@link ErrorCode} table. */
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/**
 * The error type of the whole server. The message says what was expected, what came, and where;
 * the code decides how a connection or the process ends.
 */
export class SrsError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'SrsError';
    this.code = code;
  }
}

const names = new Map<number, string>(
  Object.entries(ErrorCode).map(([name, code]) => [code, name]),
);

/** Name of a code without its reference prefix (`SOCKET_BIND`), or `UNKNOWN(N)` outside the table. */
export function errorCodeName(code: number): string {
  return names.get(code) ?? `UNKNOWN(${code})`;
}

/** Text of anything caught, as log lines end: `message, ret=<code>` when it carries a code. */
export function describeError(error: unknown): string {
  if (error instanceof SrsError) return `${error.message}, ret=${error.code}`;
  return error instanceof Error ? error.message : String(error);
}

/** Text of what should never have been thrown, for the log: it says where it came from. */
export function describeFault(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * System error number behind anything caught: a positive errno given as number, or the `errno` of
 * an error or of its causes (Node reports them negated). 0 when there is none.
 */
export function errnoOf(error: unknown): number {
  for (let depth = 0, at = error; depth < 4 && at !== undefined; depth++) {
    if (typeof at === 'number') return Math.abs(at);
    if (typeof at !== 'object' || at === null) return 0;
    const { errno, cause } = at as { errno?: unknown; cause?: unknown };
    if (typeof errno === 'number') return Math.abs(errno);
    at = cause;
  }
  return 0;
}
