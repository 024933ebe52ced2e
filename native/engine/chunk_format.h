// The RTMP chunk headers the log writes (RTMP 1.0 section 5.3.1): pure functions on bytes.
#ifndef SRS_ENGINE_CHUNK_FORMAT_H_
#define SRS_ENGINE_CHUNK_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "message.h"

namespace srs {

// Basic header (1) + delta (3) + length (3) + type (1).
constexpr size_t kDeltaHeaderSize = 8;
// Basic header (1) + timestamp (3) + length (3) + type (1) + stream id (4) + extended (4).
constexpr size_t kMaxAbsoluteHeaderSize = 16;
// From this value on, a timestamp field is written as an extended one.
constexpr uint32_t kExtendedTimestamp = 0xFFFFFF;

// One chunk stream per kind of message, so that each has a delta chain of its own.
constexpr uint8_t ChunkStreamOf(uint8_t type) {
  return type == kTypeVideo ? 6 : type == kTypeAudio ? 7 : 4;
}

// Chunk type 1: the time since the previous message of this chunk stream, below 0xFFFFFF.
inline void PutDeltaHeader(uint8_t* to, uint8_t type, uint32_t delta, uint32_t length) {
  to[0] = static_cast<uint8_t>(0x40 | ChunkStreamOf(type));
  Put24(to + 1, delta);
  Put24(to + 4, length);
  to[7] = type;
}

// Chunk type 0 with an absolute timestamp; returns its size (12, or 16 when extended).
inline size_t PutAbsoluteHeader(uint8_t* to, uint8_t type, uint32_t timestamp, uint32_t length,
                                uint32_t stream_id) {
  bool extended = timestamp >= kExtendedTimestamp;
  to[0] = ChunkStreamOf(type);
  Put24(to + 1, extended ? kExtendedTimestamp : timestamp);
  Put24(to + 4, length);
  to[7] = type;
  // The stream id is the one little-endian field of the protocol.
  to[8] = static_cast<uint8_t>(stream_id);
  to[9] = static_cast<uint8_t>(stream_id >> 8);
  to[10] = static_cast<uint8_t>(stream_id >> 16);
  to[11] = static_cast<uint8_t>(stream_id >> 24);
  if (!extended) return 12;
  Put32(to + 12, timestamp);
  return 16;
}

// How many type 3 chunk headers a payload of `length` bytes needs.
constexpr uint32_t Continuations(uint32_t length, uint32_t chunk_size) {
  return length == 0 ? 0 : (length - 1) / chunk_size;
}

}  // namespace srs

#endif  // SRS_ENGINE_CHUNK_FORMAT_H_
