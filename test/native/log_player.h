// What tests of the logs share: messages that go in, and a player without a socket.
#ifndef SRS_TEST_LOG_PLAYER_H_
#define SRS_TEST_LOG_PLAYER_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include "engine/log_cursor.h"
#include "engine/log_plan.h"
#include "engine/send_queue.h"

// A player that takes at most `step` bytes per write, and what it understands of them.
template <typename Decoder>
struct PlayerOf {
  PlayerOf(srs::BroadcastLog* log, size_t write_size)
      : step(write_size), decoder(log->options().chunk_size) {
    srs::JoinLog(log, &cursor, 5, &out);
  }
  ~PlayerOf() { srs::LeaveLog(&cursor); }

  // One write, as the loop does it: own bytes between messages only. Returns what was sent.
  size_t Write() {
    srs::LogPlan plan;
    size_t own = 0;
    if (!cursor.AtBoundary() && (!out.empty() || cursor.paused)) {
      plan.Add(cursor, true);
    } else {
      plan.count = out.Gather(plan.vectors, srs::LogPlan::kVectors / 2, &own);
      plan.bytes = own;
      if (own == out.size() && !cursor.paused) plan.Add(cursor, false);
    }
    size_t sent = 0;
    for (size_t i = 0; i < plan.count && sent < step; i++) {
      size_t part = std::min(step - sent, plan.vectors[i].iov_len);
      decoder.Push(static_cast<const uint8_t*>(plan.vectors[i].iov_base), part);
      sent += part;
    }
    size_t own_sent = std::min(own, sent);
    if (own_sent > 0) out.Consume(own_sent);
    plan.Commit(&cursor, sent - own_sent);
    return sent;
  }
  void Drain() {
    while (Write() > 0) {
    }
  }

  srs::Cursor cursor;
  srs::SendQueue out;
  size_t step;
  Decoder decoder;
};

inline std::string Body(size_t size, int seed) {
  std::string body(size, '\0');
  for (size_t i = 0; i < size; i++)
    body[i] = static_cast<char>(i * 31 + static_cast<size_t>(seed) * 7);
  return body;
}

// `Log` is anything that messages are appended to.
template <typename Log>
void Put(Log* log, uint8_t type, int64_t time, uint8_t flags, const std::string& body,
         int32_t slot = -1) {
  log->Append(type, time, flags, slot, reinterpret_cast<const uint8_t*>(body.data()),
              static_cast<uint32_t>(body.size()));
}

template <typename Log>
void PutHeaders(Log* log) {
  using namespace srs;
  Put(log, kTypeData, 0, 0, "metadata", 0);
  Put(log, kTypeVideo, 0, kKeyFrame | kSequenceHeader, "avcC", 1);
  Put(log, kTypeAudio, 0, kSequenceHeader, "asc", 33);
}

#endif  // SRS_TEST_LOG_PLAYER_H_
