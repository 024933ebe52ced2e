// What a media message is, whatever frames it, and how numbers are written in front of it.
#ifndef SRS_ENGINE_MESSAGE_H_
#define SRS_ENGINE_MESSAGE_H_

#include <cstdint>

namespace srs {

constexpr uint8_t kTypeAudio = 8;
constexpr uint8_t kTypeVideo = 9;
constexpr uint8_t kTypeData = 18;

// How a log frames its messages; the values are shared with the TypeScript side.
enum class LogFormat : uint8_t {
  // An RTMP chunk stream (chunk_format.h): each player's time starts where it began to play.
  kRtmp = 0,
  // FLV tags (flv_format.h): the same bytes for every player.
  kFlv = 1,
};

inline void Put24(uint8_t* to, uint32_t value) {
  to[0] = static_cast<uint8_t>(value >> 16);
  to[1] = static_cast<uint8_t>(value >> 8);
  to[2] = static_cast<uint8_t>(value);
}

inline void Put32(uint8_t* to, uint32_t value) {
  to[0] = static_cast<uint8_t>(value >> 24);
  Put24(to + 1, value);
}

}  // namespace srs

#endif  // SRS_ENGINE_MESSAGE_H_
