#include "live_log.h"

namespace srs {

void LiveLog::Append(uint8_t type, int64_t timestamp, uint8_t flags, int32_t header_slot,
                     const uint8_t* data, uint32_t length) {
  rtmp_.Append(type, timestamp, flags, header_slot, data, length);
  if (has_flv()) flv_->Append(type, timestamp, flags, header_slot, data, length);
}

void LiveLog::Reset() {
  rtmp_.Reset();
  if (has_flv()) flv_->Reset();
}

void LiveLog::SetOptions(const LogOptions& options) {
  rtmp_.SetOptions(options);
  if (has_flv()) flv_->SetOptions(options);
}

BroadcastLog* LiveLog::In(LogFormat format) {
  if (format == LogFormat::kRtmp) return &rtmp_;
  if (!has_flv()) flv_ = BroadcastLog::FlvTwinOf(rtmp_);
  return flv_.get();
}

void LiveLog::FreeUnused() {
  if (has_flv() && flv_->players() == 0) flv_.reset();
}

}  // namespace srs
