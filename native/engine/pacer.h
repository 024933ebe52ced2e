// Spreads players over the slots of their flush interval (mw_latency) and says which are due.
//
// A slot is filled before the next one is opened: one burst over many sockets is cheaper than many
// small ones, as long as it stays under a few milliseconds.
#ifndef SRS_ENGINE_PACER_H_
#define SRS_ENGINE_PACER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace srs {

struct Socket;
class PaceGroup;

// Where a socket stands in a pacer; empty when it is in none.
struct PacePlace {
  PaceGroup* group = nullptr;
  uint16_t slot = 0;
  uint32_t index = 0;
};

class PaceGroup {
 public:
  using PlaceOf = PacePlace& (*)(Socket*);
  static constexpr uint16_t kSlots = 32;
  // About three milliseconds of gathered writes.
  static constexpr size_t kBurst = 256;

  PaceGroup(int64_t interval_ms, PlaceOf place_of);

  int64_t interval_ms() const { return interval_ms_; }
  void Add(Socket* socket, int64_t now);
  void Remove(Socket* socket);

  // When the next slot with members is due, among those that have not seen `work` yet;
  // INT64_MAX when none is.
  int64_t NextDue(uint64_t work) const;
  // Calls `visit` for each member of each slot that is due at `now`.
  template <typename Visit>
  void RunDue(int64_t now, uint64_t work, Visit visit) {
    for (Slot& slot : slots_) {
      if (slot.members.empty() || slot.due > now) continue;
      slot.due += ((now - slot.due) / interval_ms_ + 1) * interval_ms_;
      if (slot.seen == work) continue;
      slot.seen = work;
      // A visit may remove members, also others than the one visited.
      scratch_.assign(slot.members.begin(), slot.members.end());
      for (Socket* socket : scratch_) {
        if (place_of_(socket).group == this) visit(socket);
      }
    }
  }

 private:
  struct Slot {
    int64_t due = 0;
    uint64_t seen = 0;
    std::vector<Socket*> members;
  };
  uint16_t ChooseSlot() const;

  int64_t interval_ms_;
  PlaceOf place_of_;
  std::vector<Slot> slots_;
  std::vector<Socket*> scratch_;
};

// The groups of one kind, one per interval in use.
class Pacer {
 public:
  explicit Pacer(PaceGroup::PlaceOf place_of) : place_of_(place_of) {}
  void Add(Socket* socket, int64_t interval_ms, int64_t now);
  void Remove(Socket* socket);
  int64_t NextDue(uint64_t work) const;
  template <typename Visit>
  void RunDue(int64_t now, uint64_t work, Visit visit) {
    for (size_t i = 0; i < groups_.size(); i++) groups_[i]->RunDue(now, work, visit);
  }

 private:
  PaceGroup::PlaceOf place_of_;
  std::vector<std::unique_ptr<PaceGroup>> groups_;
};

}  // namespace srs

#endif  // SRS_ENGINE_PACER_H_
