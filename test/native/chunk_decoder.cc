#include "chunk_decoder.h"

#include <algorithm>

namespace {
uint32_t Get24(const std::string& from, size_t at) {
  return static_cast<uint32_t>(static_cast<uint8_t>(from[at]) << 16 |
                               static_cast<uint8_t>(from[at + 1]) << 8 |
                               static_cast<uint8_t>(from[at + 2]));
}
uint32_t Get32(const std::string& from, size_t at) {
  return static_cast<uint32_t>(static_cast<uint8_t>(from[at])) << 24 | Get24(from, at + 1);
}
}  // namespace

void ChunkDecoder::Push(const uint8_t* data, size_t length) {
  pending_.append(reinterpret_cast<const char*>(data), length);
  while (error_.empty() && ReadChunk()) {
  }
}

std::vector<Message> ChunkDecoder::Take() {
  std::vector<Message> taken;
  taken.swap(messages_);
  return taken;
}

bool ChunkDecoder::AtBoundary() const {
  if (!pending_.empty()) return false;
  for (const auto& [csid, stream] : streams_) {
    if (stream.open) return false;
  }
  return true;
}

bool ChunkDecoder::ReadChunk() {
  if (pending_.empty()) return false;
  const int format = static_cast<uint8_t>(pending_[0]) >> 6;
  const int csid = pending_[0] & 0x3F;
  static const size_t kSizes[] = {11, 7, 3, 0};
  size_t at = 1 + kSizes[format];
  if (pending_.size() < at) return false;
  Stream next = streams_[csid];
  if (csid < 2) return error_ = "a chunk stream id below 2", false;
  if (!next.seen && format != 0) return error_ = "a chunk stream that starts without type 0", false;
  if (next.open && format != 3) return error_ = "a new header inside a message", false;
  uint32_t field = format < 3 ? Get24(pending_, 1) : 0;
  if (format < 3) next.extended = field == 0xFFFFFF;
  if (next.extended) {
    if (pending_.size() < at + 4) return false;
    field = Get32(pending_, at);
    if (next.open && field != (next.timestamp)) {
      return error_ = "a continuation with another extended timestamp", false;
    }
    at += 4;
  }
  if (format < 2) {
    next.length = Get24(pending_, 4);
    next.type = static_cast<uint8_t>(pending_[7]);
  }
  if (format == 0) {
    next.stream_id = static_cast<uint8_t>(pending_[8]) | static_cast<uint8_t>(pending_[9]) << 8;
    next.timestamp = field;
    next.delta = 0;
  } else if (format < 3) {
    next.delta = field;
    next.timestamp += field;
  } else if (!next.open) {
    next.timestamp += next.delta;
  }
  next.seen = true;
  size_t part = std::min<size_t>(next.length - next.partial.size(), chunk_size_);
  if (pending_.size() < at + part) return false;
  next.partial.append(pending_, at, part);
  next.open = next.partial.size() < next.length;
  pending_.erase(0, at + part);
  if (!next.open) {
    messages_.push_back(Message{next.type, next.timestamp, next.stream_id, next.partial});
    next.partial.clear();
  }
  streams_[csid] = next;
  return true;
}
