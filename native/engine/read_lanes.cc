#include "read_lanes.h"

#include <unistd.h>

#include <algorithm>

namespace srs {

ReadLanes::~ReadLanes() {
  for (auto& lane : lanes_) close(lane->epoll);
}

int64_t ReadLanes::IntervalOf(const ReadLane& lane) const {
  int64_t sockets = 0;
  for (const auto& one : lanes_) sockets += static_cast<int64_t>(one->members);
  return std::clamp(sockets / kSocketsPerMs, lane.interval_ms, lane.max_interval_ms);
}

ReadLane* ReadLanes::Choose(int64_t interval_ms, int64_t max_interval_ms, int64_t now) {
  int64_t of_interval = 0;
  for (auto& lane : lanes_) {
    if (lane->interval_ms != interval_ms || lane->max_interval_ms != max_interval_ms) continue;
    if (lane->members < kMembers) return lane.get();
    of_interval++;
  }
  int descriptor = epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) return nullptr;
  auto lane = std::make_unique<ReadLane>();
  lane->epoll = descriptor;
  lane->interval_ms = interval_ms;
  lane->max_interval_ms = max_interval_ms;
  int64_t phase = interval_ms * (of_interval % kPhases) / kPhases;
  lane->due = now - now % interval_ms + interval_ms + phase;
  lanes_.push_back(std::move(lane));
  return lanes_.back().get();
}

int64_t ReadLanes::NextDue() const {
  int64_t next = INT64_MAX;
  for (const auto& lane : lanes_) {
    if (lane->members > 0) next = std::min(next, lane->due);
  }
  return next;
}

void ReadLanes::DropEmpty() {
  auto empty = [](const std::unique_ptr<ReadLane>& lane) {
    if (lane->members > 0) return false;
    close(lane->epoll);
    return true;
  };
  lanes_.erase(std::remove_if(lanes_.begin(), lanes_.end(), empty), lanes_.end());
}

}  // namespace srs
