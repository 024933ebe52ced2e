// The FLV tags the log writes (FLV 10.1 annex E.4): pure functions on bytes.
#ifndef SRS_ENGINE_FLV_FORMAT_H_
#define SRS_ENGINE_FLV_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "message.h"

namespace srs {

// Type (1), data size (3), timestamp (3 + 1), stream id (3).
constexpr size_t kTagHeaderSize = 11;
// PreviousTagSize, which follows each tag.
constexpr size_t kTagTrailerSize = 4;

inline void PutTagHeader(uint8_t* to, uint8_t type, uint32_t timestamp, uint32_t length) {
  to[0] = type;
  Put24(to + 1, length);
  // The upper eight bits stand behind the lower ones.
  Put24(to + 4, timestamp);
  to[7] = static_cast<uint8_t>(timestamp >> 24);
  Put24(to + 8, 0);
}

inline void PutTagTrailer(uint8_t* to, uint32_t length) {
  Put32(to, static_cast<uint32_t>(kTagHeaderSize) + length);
}

}  // namespace srs

#endif  // SRS_ENGINE_FLV_FORMAT_H_
