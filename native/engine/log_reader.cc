#include "log_reader.h"

#include "log_plan.h"

namespace srs {

bool LogReader::Join(BroadcastLog* log, uint32_t stream_id) {
  return JoinLog(log, &cursor_, stream_id, &out_);
}

bool LogReader::ReadOnce(bool only_message, std::vector<uint8_t>* to) {
  LogPlan plan;
  plan.Add(cursor_, only_message);
  for (size_t i = 0; i < plan.count; i++) {
    const auto* data = static_cast<const uint8_t*>(plan.vectors[i].iov_base);
    to->insert(to->end(), data, data + plan.vectors[i].iov_len);
  }
  uint64_t from = cursor_.offset;
  plan.Commit(&cursor_, plan.bytes);
  return plan.bytes > 0 || cursor_.offset != from;
}

uint8_t LogReader::Read(std::vector<uint8_t>* to) {
  if (!IsLive()) return 0;
  CheckLag();
  struct iovec vectors[LogPlan::kVectors];
  while (!out_.empty()) {
    size_t bytes = 0;
    size_t count = out_.Gather(vectors, LogPlan::kVectors, &bytes);
    for (size_t i = 0; i < count; i++) {
      const auto* data = static_cast<const uint8_t*>(vectors[i].iov_base);
      to->insert(to->end(), data, data + vectors[i].iov_len);
    }
    out_.Consume(bytes);
  }
  if (cursor_.paused) return 0;
  bool moved = true;
  while (moved && to->size() < kReadBytes && cursor_.offset < cursor_.log->end()) {
    moved = ReadOnce(false, to);
    while (!cursor_.AtBoundary()) ReadOnce(true, to);
  }
  if (EndAtLimit(&cursor_)) return kReadEnded;
  return moved && cursor_.offset < cursor_.log->end() ? kReadMore : 0;
}

void LogReader::CheckLag() {
  if (!IsLive() || (!cursor_.parked && !LagsTooFar(cursor_))) return;
  // What it has not fetched belongs to the place that it leaves.
  out_.Clear();
  if (cursor_.paused) {
    ParkIfLagging(&cursor_, &out_);
  } else {
    JumpIfLagging(&cursor_, &out_);
  }
}

bool LogReader::SetPaused(bool paused) {
  if (!IsLive()) return true;
  if (!paused) return Unpause(&cursor_, &out_);
  cursor_.paused = true;
  return true;
}

}  // namespace srs
