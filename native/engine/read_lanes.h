// Reads of publishers that need not be noticed at once: their sockets stand in epoll instances of
// their own, the lanes, which are asked every so many milliseconds. One wake-up then serves all
// that became readable meanwhile, and an idle socket costs nothing.
#ifndef SRS_ENGINE_READ_LANES_H_
#define SRS_ENGINE_READ_LANES_H_

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace srs {

struct ReadLane {
  int epoll = -1;
  int64_t interval_ms = 0;
  int64_t max_interval_ms = 0;
  int64_t due = 0;
  size_t members = 0;
};

class ReadLanes {
 public:
  static constexpr size_t kReadyBatch = 256;

  ReadLanes() = default;
  ~ReadLanes();
  ReadLanes(const ReadLanes&) = delete;
  ReadLanes& operator=(const ReadLanes&) = delete;

  // The lane that a further socket shall join; nullptr when the kernel gives no descriptor for a
  // new one. It is asked every `interval_ms`, or less often when there are many sockets in all, but
  // every `max_interval_ms` at least. The caller counts itself in and out of `members`.
  ReadLane* Choose(int64_t interval_ms, int64_t max_interval_ms, int64_t now);
  // When the next lane with members is due; INT64_MAX when none is.
  int64_t NextDue() const;
  // Calls `visit` with tag and events of each socket that is ready in a lane due at `now`.
  template <typename Visit>
  void RunDue(int64_t now, Visit visit) {
    struct epoll_event ready[kReadyBatch];
    for (size_t i = 0; i < lanes_.size(); i++) {
      ReadLane* lane = lanes_[i].get();
      if (lane->members == 0 || lane->due > now) continue;
      int64_t interval = IntervalOf(*lane);
      lane->due += ((now - lane->due) / interval + 1) * interval;
      int count = epoll_wait(lane->epoll, ready, kReadyBatch, 0);
      for (int k = 0; k < count; k++) visit(ready[k].data.u64, ready[k].events);
    }
    DropEmpty();
  }

 private:
  // A lane is read in one burst of a few milliseconds at most.
  static constexpr size_t kMembers = 256;
  // Lanes of one interval lie evenly over it.
  static constexpr int64_t kPhases = 8;

  // So many sockets add a millisecond to the interval: where each read costs the most, more packets
  // are taken by one.
  static constexpr int64_t kSocketsPerMs = 10;

  int64_t IntervalOf(const ReadLane& lane) const;
  void DropEmpty();

  std::vector<std::unique_ptr<ReadLane>> lanes_;
};

}  // namespace srs

#endif  // SRS_ENGINE_READ_LANES_H_
