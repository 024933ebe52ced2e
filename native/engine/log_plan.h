// The plan of one gathered write from a player's place in a broadcast log. No sockets here: the
// plan says which bytes come next, the caller sends what it can and commits how many went out.
#ifndef SRS_ENGINE_LOG_PLAN_H_
#define SRS_ENGINE_LOG_PLAN_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "broadcast_log.h"
#include "chunk_format.h"
#include "log_cursor.h"

namespace srs {

// The vectors of one gathered write, and how to move the cursor by what was sent of them.
class LogPlan {
 public:
  static constexpr size_t kVectors = 64;
  // One write takes no more, so that a fast player with a long backlog cannot hold up the others.
  static constexpr size_t kMaxBytes = 512 * 1024;

  struct iovec vectors[kVectors];
  size_t count = 0;
  size_t bytes = 0;

  // Adds what comes next for the cursor. With `only_message` nothing beyond the message that is
  // under way is taken (used to let own bytes in between, and when paused).
  void Add(const Cursor& cursor, bool only_message);
  // Moves the cursor by `sent` bytes of what was planned.
  void Commit(Cursor* cursor, size_t sent);

 private:
  struct State {
    int64_t start;
    int64_t base;
    bool base_known;
    uint8_t unchained;
    bool wait_key;
  };
  struct Piece {
    size_t bytes;
    uint64_t next;
    State state;
    bool rendered;
    bool dropped;
  };

  bool HasRoom() const {
    return count < kVectors && pieces_ < kVectors && bytes < kMaxBytes &&
           scratch_used_ + kMaxAbsoluteHeaderSize <= sizeof(scratch_);
  }
  void AddVector(const uint8_t* data, size_t length);
  size_t AddRange(const BroadcastLog& log, uint64_t from, uint64_t to);
  uint64_t AddPlain(const BroadcastLog& log, uint64_t from, uint64_t to, const State& state);
  bool AddEntry(const Cursor& cursor, const Entry& entry, uint64_t end, State* state);
  static void StartTime(const BroadcastLog& log, const Entry& entry, State* state);
  void AddRendered(const Cursor& cursor, const Entry& entry, uint64_t end, const State& state,
                   uint32_t skip);

  Piece list_[kVectors];
  size_t pieces_ = 0;
  uint8_t scratch_[kVectors * kMaxAbsoluteHeaderSize];
  size_t scratch_used_ = 0;
};

}  // namespace srs

#endif  // SRS_ENGINE_LOG_PLAN_H_
