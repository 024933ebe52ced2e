#include "pacer.h"

#include <algorithm>

namespace srs {

namespace {
// Opens the slots so that the ones in use lie evenly over the interval: 0, 16, 8, 24, 4, …
constexpr uint16_t BitReversed(uint16_t index) {
  uint16_t reversed = 0;
  for (uint16_t bit = 1; bit < PaceGroup::kSlots; bit = static_cast<uint16_t>(bit << 1)) {
    reversed = static_cast<uint16_t>((reversed << 1) | (index & 1));
    index >>= 1;
  }
  return reversed;
}
}  // namespace

PaceGroup::PaceGroup(int64_t interval_ms, PlaceOf place_of)
    : interval_ms_(interval_ms), place_of_(place_of), slots_(kSlots) {}

uint16_t PaceGroup::ChooseSlot() const {
  uint16_t least = 0;
  for (uint16_t i = 0; i < kSlots; i++) {
    uint16_t slot = BitReversed(i);
    if (slots_[slot].members.size() < kBurst) return slot;
    if (slots_[slot].members.size() < slots_[least].members.size()) least = slot;
  }
  return least;
}

void PaceGroup::Add(Socket* socket, int64_t now) {
  uint16_t index = ChooseSlot();
  Slot& slot = slots_[index];
  if (slot.members.empty()) {
    // Its phase within the interval, on a grid that all slots of the group share.
    int64_t phase = interval_ms_ * index / kSlots;
    slot.due = now - now % interval_ms_ + phase;
    if (slot.due <= now) slot.due += interval_ms_;
  }
  // A new member may have work that the slot's mark does not know of.
  slot.seen = 0;
  PacePlace& place = place_of_(socket);
  place.group = this;
  place.slot = index;
  place.index = static_cast<uint32_t>(slot.members.size());
  slot.members.push_back(socket);
}

void PaceGroup::Remove(Socket* socket) {
  PacePlace& place = place_of_(socket);
  Slot& slot = slots_[place.slot];
  Socket* last = slot.members.back();
  slot.members[place.index] = last;
  place_of_(last).index = place.index;
  slot.members.pop_back();
  place = PacePlace{};
}

int64_t PaceGroup::NextDue(uint64_t work) const {
  int64_t next = INT64_MAX;
  for (const Slot& slot : slots_) {
    if (!slot.members.empty() && slot.seen != work) next = std::min(next, slot.due);
  }
  return next;
}

void Pacer::Add(Socket* socket, int64_t interval_ms, int64_t now) {
  for (auto& group : groups_) {
    if (group->interval_ms() == interval_ms) return group->Add(socket, now);
  }
  groups_.push_back(std::make_unique<PaceGroup>(interval_ms, place_of_));
  groups_.back()->Add(socket, now);
}

void Pacer::Remove(Socket* socket) {
  PaceGroup* group = place_of_(socket).group;
  if (group != nullptr) group->Remove(socket);
}

int64_t Pacer::NextDue(uint64_t work) const {
  int64_t next = INT64_MAX;
  for (const auto& group : groups_) next = std::min(next, group->NextDue(work));
  return next;
}

}  // namespace srs
