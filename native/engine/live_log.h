// One live stream in all its formats: the RTMP log always, its FLV twin while somebody plays that.
#ifndef SRS_ENGINE_LIVE_LOG_H_
#define SRS_ENGINE_LIVE_LOG_H_

#include <cstdint>
#include <memory>

#include "broadcast_log.h"

namespace srs {

class LiveLog {
 public:
  explicit LiveLog(const LogOptions& options) : rtmp_(options) {}

  void Append(uint8_t type, int64_t timestamp, uint8_t flags, int32_t header_slot,
              const uint8_t* data, uint32_t length);
  void Reset();
  void SetOptions(const LogOptions& options);

  // The log to join for a format; the FLV one is made from what the RTMP one has cached.
  BroadcastLog* In(LogFormat format);
  // To be called after a player left: frees a twin that nobody plays any more.
  void FreeUnused();

  const BroadcastLog& rtmp() const { return rtmp_; }
  bool has_flv() const { return flv_ != nullptr; }
  int64_t players() const { return rtmp_.players() + (has_flv() ? flv_->players() : 0); }
  uint64_t held_bytes() const { return rtmp_.held_bytes() + (has_flv() ? flv_->held_bytes() : 0); }

 private:
  BroadcastLog rtmp_;
  std::unique_ptr<BroadcastLog> flv_;
};

}  // namespace srs

#endif  // SRS_ENGINE_LIVE_LOG_H_
