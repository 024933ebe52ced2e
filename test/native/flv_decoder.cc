#include "flv_decoder.h"

namespace {
uint32_t GetBig(const std::string& from, size_t at, size_t bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < bytes; i++) value = value << 8 | static_cast<uint8_t>(from[at + i]);
  return value;
}
constexpr size_t kHeader = 11;
}  // namespace

void FlvDecoder::Push(const uint8_t* data, size_t length) {
  pending_.append(reinterpret_cast<const char*>(data), length);
  while (error_.empty() && ReadTag()) {
  }
}

std::vector<Message> FlvDecoder::Take() {
  std::vector<Message> taken;
  taken.swap(messages_);
  return taken;
}

bool FlvDecoder::ReadTag() {
  if (pending_.size() < kHeader) return false;
  const auto type = static_cast<uint8_t>(pending_[0]);
  if (type != 8 && type != 9 && type != 18) return error_ = "a tag of an unknown type", false;
  const uint32_t length = GetBig(pending_, 1, 3);
  if (pending_.size() < kHeader + length + 4) return false;
  const uint32_t time = GetBig(pending_, 4, 3) | GetBig(pending_, 7, 1) << 24;
  if (GetBig(pending_, 8, 3) != 0) return error_ = "a tag with a stream id", false;
  if (GetBig(pending_, kHeader + length, 4) != kHeader + length) {
    return error_ = "a previous tag size that is not the tag's", false;
  }
  messages_.push_back(Message{type, time, 0, pending_.substr(kHeader, length)});
  pending_.erase(0, kHeader + length + 4);
  return true;
}
