// One player's place in a broadcast log, and the plan of one gathered write from there.
// No sockets here: Plan says which bytes come next, the caller sends what it can and commits
// how many went out.
#ifndef SRS_ENGINE_LOG_CURSOR_H_
#define SRS_ENGINE_LOG_CURSOR_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "broadcast_log.h"

namespace srs {

class SendQueue;

struct Cursor {
  BroadcastLog* log = nullptr;
  // Next byte of the log; while `skip` > 0 the start of the entry whose rendered form is under way.
  uint64_t offset = 0;
  // End of the entry in which `offset` stands; 0 at a message boundary.
  uint64_t inside_until = 0;
  // Bytes already sent of an entry that is rendered with a header of this player's own.
  uint32_t skip = 0;
  uint32_t stream_id = 1;

  // What is subtracted from the log's timestamps for this player, once known.
  int64_t base = 0;
  bool base_known = false;
  // Chunk streams (bits) on which this player has had no absolute timestamp yet.
  uint8_t unchained = 0;
  // Inter frames are left out until a key frame comes.
  bool wait_key = false;
  bool paused = false;
  // Lagged too far while paused: holds no media, and enters anew when it goes on.
  bool parked = false;

  // Stop after so many ms of media; 0 = never.
  int64_t limit_ms = 0;
  // That limit was reached.
  bool ended = false;

  // Sequence number of the next entry as of the last time it was looked up.
  uint64_t sequence = 0;
  uint64_t messages = 0;
  uint64_t dropped = 0;
  uint64_t jumps = 0;
  // Headers last put into the preface, and where the cursor stood then.
  std::shared_ptr<const HeaderSet> preface;
  uint64_t preface_offset = 0;

  bool AtBoundary() const { return inside_until == 0 && skip == 0; }
  // Entries must be looked at one by one, not taken as a plain range of bytes.
  bool Careful() const { return !base_known || unchained != 0 || wait_key || limit_ms > 0; }
};

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
  void AddRendered(const Cursor& cursor, const Entry& entry, uint64_t end, const State& state,
                   uint32_t skip);

  Piece list_[kVectors];
  size_t pieces_ = 0;
  uint8_t scratch_[kVectors * kMaxAbsoluteHeaderSize];
  size_t scratch_used_ = 0;
};

// Puts a new player at the start of the cached GOP, or at the end of the log, and its preface
// (metadata, sequence headers) into `out`. False when memory is exhausted.
bool JoinLog(BroadcastLog* log, Cursor* cursor, uint32_t stream_id, SendQueue* out);
void LeaveLog(Cursor* cursor);
// Moves the unsent rest of the message in flight to the front of `out`, so that the cursor may go
// elsewhere. False when memory is exhausted.
bool FinishMessage(Cursor* cursor, SendQueue* out);
// Lets a cursor that lags too far finish the message in flight (its rest goes to `out`) and jump
// to the newest key frame with a new preface. Returns whether it jumped.
bool JumpIfLagging(Cursor* cursor, SendQueue* out);
// The same for a paused cursor: it lets go of the media and gets nothing before it goes on.
bool ParkIfLagging(Cursor* cursor, SendQueue* out);
// Goes on after a pause. False when memory is exhausted.
bool Unpause(Cursor* cursor, SendQueue* out);
// The next message lies past the play duration that was asked for.
bool LimitReached(const Cursor& cursor);
// Media between the cursor and the end of the log, ms.
int64_t LagOf(const Cursor& cursor);
// Messages this player got so far.
uint64_t MessagesOf(const Cursor& cursor);

}  // namespace srs

#endif  // SRS_ENGINE_LOG_CURSOR_H_
