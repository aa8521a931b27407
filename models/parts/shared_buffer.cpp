#include "parts/shared_buffer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "kernel/error.h"

namespace heddle {

namespace {

constexpr std::uint64_t no_xon = ~std::uint64_t{0};

std::uint64_t whole_cells(Bytes bytes, Bytes cell) {
  return (bytes.value + cell.value - 1) / cell.value;
}

}  // namespace

void SharedBufferConfig::describe(Fields& fields) {
  fields.add("buffer", buffer, 1024, 64e9, "Usable packet memory, headroom included.",
             "60,817,392 B, Spectrum-3: sonic-buildimage");
  fields.add("cell", cell, 16, 16384, "Unit of allocation; a packet occupies whole cells.",
             "144 B, Spectrum-3: sonic-buildimage");
  fields.add("alpha_lossless", alpha_lossless, 1.0 / 128, 1024,
             "A lossless ingress group may hold this multiple of the free shared memory.",
             "2^7: sonic-buildimage; Choudhury and Hahne 1998");
  fields.add("alpha_lossy", alpha_lossy, 1.0 / 128, 1024,
             "A lossy egress queue may hold this multiple of the free shared memory.",
             "2^3: sonic-buildimage; Choudhury and Hahne 1998");
  fields.add(
      "xoff", xoff, 0, 64e9,
      "Fixed size at which a lossless group pauses its sender; auto: the dynamic threshold.");
  fields.add("xon_offset", xon_offset, 0, 64e9,
             "How far a paused group must fall below its threshold before the sender may go on.",
             "37,888 B, column xon at 400G: sonic-buildimage, SN4700 pg_profile_lookup.ini");
  fields.add("headroom", headroom, 0, 64e9,
             "Memory kept for each lossless group beyond xoff; auto: from rate and cable length.",
             "sonic-buildimage, SN4700 pg_profile_lookup.ini");
}

std::uint64_t pfc_headroom_bytes(Rate rate, double cable_metres, double occupancy,
                                 double peer_bytes) {
  const double cable_bytes =
      2 * cable_metres * static_cast<double>(rate.bits_per_second) / (8 * light_metres_per_second);
  const double bytes = 1024 + occupancy * (9216 + cable_bytes + 819.2 + peer_bytes);
  return static_cast<std::uint64_t>(std::ceil(bytes / 1024)) * 1024;
}

SharedBuffer::SharedBuffer(const SharedBufferConfig& config, unsigned queues,
                           const std::vector<Bytes>& group_headroom)
    : cell_bytes_(static_cast<std::uint32_t>(config.cell.value)),
      alpha_lossless_(
          static_cast<std::uint64_t>(std::llround(std::ldexp(config.alpha_lossless, alpha_bits)))),
      alpha_lossy_(
          static_cast<std::uint64_t>(std::llround(std::ldexp(config.alpha_lossy, alpha_bits)))),
      xon_offset_cells_(whole_cells(config.xon_offset, config.cell)),
      groups_(group_headroom.size()),
      queues_(queues),
      xoff_(static_cast<unsigned>(group_headroom.size())),
      changed_(static_cast<unsigned>(group_headroom.size())) {
  if (config.xoff) xoff_cells_ = config.xoff->value / config.cell.value;
  const std::uint64_t pool = config.buffer.value / config.cell.value;
  std::uint64_t reserved = 0;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const std::uint64_t cells = whole_cells(group_headroom[i], config.cell);
    reserved += cells;
    if (reserved >= pool) {
      throw InputError("the headroom of " + std::to_string(groups_.size()) +
                       " groups leaves nothing to share of a buffer of " +
                       std::to_string(config.buffer.value) + " bytes");
    }
    groups_[i].headroom_limit = static_cast<std::uint32_t>(cells);
  }
  shared_cells_ = static_cast<std::uint32_t>(pool - reserved);
}

Admission SharedBuffer::admit(unsigned group, unsigned queue, std::uint32_t bytes, bool lossless) {
  const std::uint32_t cells = cells_of(bytes);
  Group& from = groups_[group];
  if (lossless) return admit_lossless(from, group, queue, cells);
  if (cells > free_cells()) return Admission::drop_pool;
  if (std::uint64_t{queues_[queue]} + cells > lossy_threshold()) return Admission::drop_threshold;
  from.shared += cells;
  shared_used_ += cells;
  queues_[queue] += cells;
  return Admission::shared;
}

Admission SharedBuffer::admit_lossless(Group& group, unsigned index, unsigned queue,
                                       std::uint32_t cells) {
  if (cells <= free_cells() && std::uint64_t{group.shared} + cells <= lossless_threshold()) {
    group.shared += cells;
    shared_used_ += cells;
    queues_[queue] += cells;
    return Admission::shared;
  }
  set_xoff(index);
  if (std::uint64_t{group.headroom} + cells > group.headroom_limit) return Admission::drop_headroom;
  group.headroom += cells;
  headroom_used_ += cells;
  queues_[queue] += cells;
  return Admission::headroom;
}

void SharedBuffer::release(unsigned group, unsigned queue, std::uint32_t bytes) {
  const std::uint32_t cells = cells_of(bytes);
  Group& from = groups_[group];
  if (cells > from.shared + from.headroom || cells > queues_[queue]) {
    throw CheckFailure("shared buffer: release of " + std::to_string(cells) + " cells, but group " +
                       std::to_string(group) + " holds " + std::to_string(group_cells(group)) +
                       " and queue " + std::to_string(queue) + " holds " +
                       std::to_string(queues_[queue]));
  }
  const std::uint32_t drained = std::min(cells, from.headroom);
  from.headroom -= drained;
  headroom_used_ -= drained;
  from.shared -= cells - drained;
  shared_used_ -= cells - drained;
  queues_[queue] -= cells;
  if (paused_ == 0) return;
  if (xoff_.test(group)) xon_free_ = std::min(xon_free_, free_for_xon(from));
  if (free_cells() >= xon_free_) end_pauses();
}

/// The fewest free cells with which the pause of this group ends. A group that holds nothing leaves
/// it even when others have filled the pool: what comes then fits its headroom, and waiting for
/// them could be waiting in a circle.
std::uint64_t SharedBuffer::free_for_xon(const Group& group) const {
  if (group.headroom > 0) return no_xon;
  if (group.shared == 0) return 0;
  const std::uint64_t level = group.shared + xon_offset_cells_;
  if (xoff_cells_) return level <= *xoff_cells_ ? 1 : no_xon;
  return ((level << alpha_bits) + alpha_lossless_ - 1) / alpha_lossless_;
}

void SharedBuffer::set_xoff(unsigned group) {
  if (xoff_.test(group)) return;
  xoff_.set(group);
  changed_.assign(group, !changed_.test(group));
  ++paused_;
  xon_free_ = std::min(xon_free_, free_for_xon(groups_[group]));
}

/// `xon_free_` is a lower bound (a paused group may have taken more shared cells since); here it
/// becomes exact again.
void SharedBuffer::end_pauses() {
  xon_free_ = no_xon;
  xoff_.for_each([this](unsigned group) {
    const std::uint64_t needed = free_for_xon(groups_[group]);
    if (free_cells() < needed) {
      xon_free_ = std::min(xon_free_, needed);
      return;
    }
    xoff_.clear(group);
    changed_.assign(group, !changed_.test(group));
    --paused_;
  });
}

void SharedBuffer::set_thresholds(const Thresholds& thresholds) {
  alpha_lossless_ = thresholds.alpha_lossless;
  alpha_lossy_ = thresholds.alpha_lossy;
  xoff_cells_ = thresholds.xoff_cells;
  xon_offset_cells_ = thresholds.xon_offset_cells;
  end_pauses();
}

void SharedBuffer::verify() const {
  std::uint64_t shared = 0;
  std::uint64_t headroom = 0;
  for (const Group& group : groups_) {
    shared += group.shared;
    headroom += group.headroom;
    if (group.headroom > group.headroom_limit) {
      throw CheckFailure("shared buffer: a group exceeds its headroom");
    }
  }
  const std::uint64_t queued = std::accumulate(queues_.begin(), queues_.end(), std::uint64_t{0});
  if (shared != shared_used_ || headroom != headroom_used_ || queued != shared + headroom ||
      shared > shared_cells_ || xoff_.count() != paused_) {
    throw CheckFailure("shared buffer: groups hold " + std::to_string(shared) + " + " +
                       std::to_string(headroom) + " cells, queues " + std::to_string(queued) +
                       ", the pool counts " + std::to_string(shared_used_) + " + " +
                       std::to_string(headroom_used_) + " of " + std::to_string(shared_cells_));
  }
}

}  // namespace heddle
